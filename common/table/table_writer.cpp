#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "common/base/utf8.h"
#include "common/base/writer.h"
#include "common/table/column_check.h"
#include "common/table/table_file.h"
#include "common/table/table_format.h"

namespace redoubt::table {
namespace {

constexpr std::size_t kRowsAt = 8 + 2 + 2;  // where the header holds the number of rows

template <class T>
void push(std::vector<std::byte>& to, T value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

bool fits_decimal(std::int64_t scaled, int precision) {
  std::int64_t limit = 1;
  for (int i = 0; i < precision; ++i) limit *= 10;
  return scaled < limit && scaled > -limit;
}

// sound_value: a value of the type, as the reader will want it.
bool sound_value(const Value& value, const Type& type) {
  if (std::holds_alternative<std::monostate>(value)) return true;
  switch (type.id) {
    case TypeId::boolean: return std::holds_alternative<bool>(value);
    case TypeId::bigint: return std::holds_alternative<std::int64_t>(value);
    case TypeId::integer: {
      const auto* number = std::get_if<std::int64_t>(&value);
      return number != nullptr && *number == static_cast<std::int32_t>(*number);
    }
    case TypeId::double_: {
      const auto* number = std::get_if<double>(&value);
      return number != nullptr && std::isfinite(*number);
    }
    case TypeId::decimal: {
      const auto* number = std::get_if<Decimal>(&value);
      return number != nullptr && fits_decimal(number->scaled, type.precision);
    }
    case TypeId::date: {
      const auto* days = std::get_if<Days>(&value);
      return days != nullptr && days->count >= Days::kFirst && days->count <= Days::kLast;
    }
    case TypeId::varchar: {
      const auto* text = std::get_if<std::string>(&value);
      return text != nullptr && text->size() <= kMaxText && text->find('\0') == std::string::npos && valid_utf8(*text);
    }
  }
  return false;
}

void push_value(std::vector<std::byte>& to, const Value& value, TypeId type) {
  const bool null = std::holds_alternative<std::monostate>(value);
  switch (type) {
    case TypeId::boolean: return push<std::uint8_t>(to, !null && std::get<bool>(value) ? 1 : 0);
    case TypeId::integer: return push<std::int32_t>(to, null ? 0 : static_cast<std::int32_t>(std::get<std::int64_t>(value)));
    case TypeId::bigint: return push<std::int64_t>(to, null ? 0 : std::get<std::int64_t>(value));
    case TypeId::double_: return push<double>(to, null ? 0 : std::get<double>(value));
    case TypeId::decimal: return push<std::int64_t>(to, null ? 0 : std::get<Decimal>(value).scaled);
    case TypeId::date: return push<std::int32_t>(to, null ? 0 : std::get<Days>(value).count);
    case TypeId::varchar: break;
  }
}

}  // namespace

TableWriter::TableWriter(std::vector<Type> types) : types_(std::move(types)), pending_(types_.size()) {
  Writer header;
  header.bytes(kMagic).u16le(kVersion).u16le(static_cast<std::uint16_t>(types_.size())).u64le(0);
  for (const Type& type : types_) {
    for (const std::uint8_t byte : tag_of(type)) header.u8(byte);
  }
  const Bytes bytes = header.take();
  put(bytes);
}

Result<TableWriter> TableWriter::create(std::vector<Type> types) {
  if (types.empty() || types.size() > kMaxColumns) return malformed("table: expected 1 to 512 columns, found " + std::to_string(types.size()));
  for (const Type& type : types) {
    if (!type.sound()) return malformed("table: expected a sound column type, found " + type.text());
  }
  return TableWriter(std::move(types));
}

Status TableWriter::add(const Row& row) {
  if (row.size() != types_.size()) return malformed("expected " + std::to_string(types_.size()) + " values, found " + std::to_string(row.size()));
  for (std::size_t i = 0; i < row.size(); ++i) {
    const auto* text = std::get_if<std::string>(&row[i]);
    if (text != nullptr && text->size() > kMaxText) {
      return malformed("column " + std::to_string(i + 1) + ": expected a text of at most " + std::to_string(kMaxText) + " bytes, found " + std::to_string(text->size()));
    }
    if (!sound_value(row[i], types_[i])) return malformed("column " + std::to_string(i + 1) + ": expected a value of " + types_[i].text());
    // Ends are 32 bits wide.
    if (pending_[i].text.size() > std::numeric_limits<std::uint32_t>::max() - kMaxText) return malformed("column " + std::to_string(i + 1) + ": more than 4 GiB of text in one group");
  }
  if (rows_ == kMaxRows) return malformed("more rows than a table file holds");
  for (std::size_t i = 0; i < row.size(); ++i) {
    Pending& column = pending_[i];
    const bool null = std::holds_alternative<std::monostate>(row[i]);
    if (in_group_ % 8 == 0) column.valid.push_back(std::byte{0});
    if (!null) column.valid.back() |= std::byte{1} << (in_group_ % 8);
    column.any_null = column.any_null || null;
    if (types_[i].id == TypeId::varchar) {
      if (!null) column.text += std::get<std::string>(row[i]);
      push(column.values, static_cast<std::uint32_t>(column.text.size()));
    } else {
      push_value(column.values, row[i], types_[i].id);
    }
  }
  ++rows_;
  if (++in_group_ == kGroupRows) flush();
  return {};
}

void TableWriter::flush() {
  for (Pending& column : pending_) {
    const std::byte bitmap{static_cast<unsigned char>(column.any_null ? 1 : 0)};
    put(ByteView(&bitmap, 1));
    if (column.any_null) put(column.valid);
    put(column.values);
    put(as_bytes(column.text));
    wipe(column.values);
    wipe(std::as_writable_bytes(std::span(column.text)));
    column.valid.clear();
    column.values.clear();
    column.text.clear();
    column.any_null = false;
  }
  in_group_ = 0;
}

void TableWriter::put(ByteView bytes) {
  if (out_.size() - size_ < bytes.size()) {
    SecretBytes larger(std::max(out_.size() * 2, size_ + bytes.size()));
    std::ranges::copy(out_.reveal().first(size_), larger.writable().begin());
    out_ = std::move(larger);
  }
  std::ranges::copy(bytes, out_.writable().begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += bytes.size();
}

SecretBytes TableWriter::finish() {
  if (in_group_ != 0) flush();
  std::memcpy(out_.writable().data() + kRowsAt, &rows_, sizeof rows_);
  SecretBytes file(size_);
  std::ranges::copy(out_.reveal().first(size_), file.writable().begin());
  out_ = SecretBytes();
  size_ = 0;
  return file;
}

}  // namespace redoubt::table
