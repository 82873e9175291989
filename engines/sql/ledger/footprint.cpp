#include "engines/sql/ledger/footprint.h"

#include <algorithm>

namespace redoubt::sql {
namespace {

constexpr std::size_t kBlock = 65536;  // rows; so that many rows are not copied to make room for one more

}  // namespace

std::uint32_t Footprint::add_set(Cells cells) {
  std::ranges::sort(cells);
  cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
  const auto [place, fresh] = set_numbers_.try_emplace(std::move(cells), static_cast<std::uint32_t>(sets_.size()));
  if (fresh) sets_.push_back(place->first);
  return place->second;
}

Footprint::Shape& Footprint::shape_of(std::uint32_t first, std::uint32_t second) {
  const auto same = [&](const Shape& shape) { return shape.first == first && shape.second == second; };
  if (last_shape_ < shapes_.size() && same(shapes_[last_shape_])) return shapes_[last_shape_];
  const auto found = std::ranges::find_if(shapes_, same);
  last_shape_ = static_cast<std::size_t>(found - shapes_.begin());
  if (found == shapes_.end()) shapes_.push_back({first, second, {}});
  return shapes_[last_shape_];
}

void Footprint::add(std::uint32_t unit, std::span<const Source> sources, std::uint32_t set) {
  ++size_;
  if (sources.empty() || sources.size() > 2) {
    long_.push_back({sources_.size(), static_cast<std::uint32_t>(sources.size()), unit, set});
    sources_.insert(sources_.end(), sources.begin(), sources.end());
    std::stable_sort(sources_.end() - static_cast<std::ptrdiff_t>(sources.size()), sources_.end(),
                     [](const Source& a, const Source& b) { return a.dataset < b.dataset; });
    return;
  }
  Source first = sources.front(), second = sources.back();
  if (first.dataset > second.dataset) std::swap(first, second);
  const bool alone = sources.size() == 1;
  auto& blocks = shape_of(first.dataset, alone ? kAlone : second.dataset).blocks;
  if (blocks.empty() || blocks.back().size() >= kBlock) {
    blocks.emplace_back();
    if (blocks.size() > 1) blocks.back().reserve(kBlock);
  }
  blocks.back().push_back({alone ? first.row : std::uint64_t{first.row} << 32 | second.row, unit, set});
}

std::vector<Footprint::Row> Footprint::rows() const {
  std::vector<Row> out;
  out.reserve(size_);
  for (const Shape& shape : shapes_) {
    for (const auto& block : shape.blocks) {
      for (const Packed& packed : block) {
        Row row{packed.unit, {{shape.first, shape.row_of_first(packed)}}, sets_[packed.set]};
        if (shape.second != kAlone) row.sources.push_back({shape.second, Shape::row_of_second(packed)});
        out.push_back(std::move(row));
      }
    }
  }
  for (const Long& row : long_) {
    const auto list = sources(row);
    out.push_back({row.unit, {list.begin(), list.end()}, sets_[row.set]});
  }
  return out;
}

Digest Footprint::digest(std::span<const Source> sources) {
  Digest out{mix(sources.size()), mix(~static_cast<std::uint64_t>(sources.size()))};
  for (const Source& source : sources) {
    out.first = mix(out.first ^ mix(source.dataset) ^ source.row);
    out.second = mix(out.second + mix(source.row) * 3 + source.dataset);
  }
  return out;
}

}  // namespace redoubt::sql
