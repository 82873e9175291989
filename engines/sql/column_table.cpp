#include "engines/sql/column_table.h"

#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/duck_schema_entry.hpp>
#include <duckdb/catalog/catalog_entry/table_catalog_entry.hpp>
#include <duckdb/common/serializer/deserializer.hpp>
#include <duckdb/common/serializer/serializer.hpp>
#include <duckdb/function/table_function.hpp>
#include <duckdb/main/attached_database.hpp>
#include <duckdb/parser/parsed_data/create_table_function_info.hpp>
#include <duckdb/parser/parsed_data/create_table_info.hpp>
#include <duckdb/storage/statistics/base_statistics.hpp>
#include <duckdb/storage/statistics/node_statistics.hpp>
#include <duckdb/storage/statistics/numeric_stats.hpp>
#include <duckdb/storage/statistics/string_stats.hpp>
#include <duckdb/storage/table_storage_info.hpp>
#include <duckdb/transaction/meta_transaction.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>

namespace redoubt::sql {
namespace {

static_assert(table::kGroupRows % STANDARD_VECTOR_SIZE == 0, "a slice never ends in the middle of a byte of a bitmap, but for the last");

template <class T>
T value_at(ByteView values, std::size_t index) {
  T value;
  std::memcpy(&value, values.data() + index * sizeof value, sizeof value);
  return value;
}

// copy_values: `count` values from `first` on, which stand as they are or narrower in the engine.
template <class From, class To>
void copy_values(duckdb::Vector& to, const table::ColumnView& from, std::size_t first, std::size_t count) {
  To* const out = duckdb::FlatVector::GetData<To>(to);
  if constexpr (std::is_same_v<From, To>) {
    std::memcpy(out, from.values.data() + first * sizeof(From), count * sizeof(From));
  } else {
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<To>(value_at<From>(from.values, first + i));
  }
}

// lend_text: the vector points into the file.
void lend_text(duckdb::Vector& to, const table::ColumnView& from, std::size_t first, std::size_t count) {
  auto* const out = duckdb::FlatVector::GetData<duckdb::string_t>(to);
  const std::string_view text = as_text(from.text);
  std::uint32_t start = first == 0 ? 0 : value_at<std::uint32_t>(from.values, first - 1);
  for (std::size_t i = 0; i < count; ++i) {
    const auto end = value_at<std::uint32_t>(from.values, first + i);
    out[i] = duckdb::string_t(text.data() + start, end - start);
    start = end;
  }
}

// fill: a slice of a column; `first` is a multiple of the vector's size.
void fill(duckdb::Vector& to, const table::ColumnView& from, Type type, std::size_t first, std::size_t count) {
  switch (type.id) {
    case TypeId::boolean: copy_values<std::uint8_t, std::uint8_t>(to, from, first, count); break;
    case TypeId::integer: case TypeId::date: copy_values<std::int32_t, std::int32_t>(to, from, first, count); break;
    case TypeId::bigint: copy_values<std::int64_t, std::int64_t>(to, from, first, count); break;
    case TypeId::double_: copy_values<double, double>(to, from, first, count); break;
    case TypeId::decimal:  // the engine's widths: duckdb::Decimal
      if (type.precision <= 4) copy_values<std::int64_t, std::int16_t>(to, from, first, count);
      else if (type.precision <= 9) copy_values<std::int64_t, std::int32_t>(to, from, first, count);
      else copy_values<std::int64_t, std::int64_t>(to, from, first, count);
      break;
    case TypeId::varchar: lend_text(to, from, first, count); break;
  }
  if (from.valid.empty()) return;
  auto& validity = duckdb::FlatVector::Validity(to);
  validity.Initialize(STANDARD_VECTOR_SIZE);
  std::memcpy(validity.GetData(), from.valid.data() + first / 8, (count + 7) / 8);
}

// Statistics are bounds, which may be wider than the values: a NULL counts as the zero that stands in its place.
template <class T>
duckdb::BaseStatistics number_statistics(const duckdb::LogicalType& type, const std::vector<table::Group>& groups, std::size_t column,
                                         duckdb::Value (*value)(std::int64_t, const duckdb::LogicalType&)) {
  T low = std::numeric_limits<T>::max(), high = std::numeric_limits<T>::min();
  for (const table::Group& group : groups) {
    const ByteView values = group.columns[column].values;
    for (std::size_t i = 0; i < group.rows; ++i) {
      const T one = value_at<T>(values, i);
      low = std::min(low, one);
      high = std::max(high, one);
    }
  }
  auto statistics = duckdb::NumericStats::CreateEmpty(type);
  duckdb::NumericStats::SetMin(statistics, value(low, type));
  duckdb::NumericStats::SetMax(statistics, value(high, type));
  return statistics;
}

// prefix_of a text: its first eight bytes, filled up with zeros, as a number that compares as they do.
std::uint64_t prefix_of(std::string_view text, std::size_t start, std::size_t size) {
  std::uint64_t prefix = 0;
  if (text.size() - start >= sizeof prefix) {
    std::memcpy(&prefix, text.data() + start, sizeof prefix);
    prefix = __builtin_bswap64(prefix);
    return size == 0 ? 0 : size >= sizeof prefix ? prefix : prefix & (~std::uint64_t{0} << (8 * (sizeof prefix - size)));
  }
  for (std::size_t i = 0; i < std::min(size, sizeof prefix); ++i) prefix |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[start + i])) << (56 - 8 * i);
  return prefix;
}

// text_statistics are those that the engine keeps of its own tables (StringStats::Update), to the byte: it makes texts of their bounds.
duckdb::BaseStatistics text_statistics(const duckdb::LogicalType& type, const std::vector<table::Group>& groups, std::size_t column) {
  std::uint32_t longest = 0;
  std::uint64_t low = ~std::uint64_t{0}, high = 0;
  unsigned char all = 0;
  for (const table::Group& group : groups) {
    const table::ColumnView& view = group.columns[column];
    const std::string_view text = as_text(view.text);
    std::uint32_t start = 0;
    for (std::size_t i = 0; i < group.rows; ++i) {
      const auto end = value_at<std::uint32_t>(view.values, i);
      if (!view.is_null(i)) {
        const std::uint64_t prefix = prefix_of(text, start, end - start);
        low = std::min(low, prefix);
        high = std::max(high, prefix);
        longest = std::max(longest, end - start);
      }
      start = end;
    }
    for (const char c : text) all = static_cast<unsigned char>(all | static_cast<unsigned char>(c));
  }
  auto statistics = duckdb::StringStats::CreateEmpty(type);
  const auto bytes_of = [](std::uint64_t prefix) {
    const std::uint64_t swapped = __builtin_bswap64(prefix);
    return duckdb::string_t(reinterpret_cast<const char*>(&swapped), sizeof swapped);  // eight bytes stand in the value itself
  };
  duckdb::StringStats::SetMin(statistics, bytes_of(low));
  duckdb::StringStats::SetMax(statistics, bytes_of(high));
  duckdb::StringStats::SetMaxStringLength(statistics, longest);
  if (all >= 0x80) duckdb::StringStats::SetContainsUnicode(statistics);
  return statistics;
}

duckdb::BaseStatistics statistics_of(const duckdb::LogicalType& type, Type column_type, const std::vector<table::Group>& groups, std::size_t column) {
  using duckdb::Value;
  switch (column_type.id) {
    case TypeId::boolean: case TypeId::double_: return duckdb::BaseStatistics::CreateUnknown(type);
    case TypeId::integer:
      return number_statistics<std::int32_t>(type, groups, column, [](std::int64_t v, const duckdb::LogicalType&) { return Value::INTEGER(static_cast<std::int32_t>(v)); });
    case TypeId::date:
      return number_statistics<std::int32_t>(type, groups, column, [](std::int64_t v, const duckdb::LogicalType&) { return Value::DATE(duckdb::date_t(static_cast<std::int32_t>(v))); });
    case TypeId::bigint: return number_statistics<std::int64_t>(type, groups, column, [](std::int64_t v, const duckdb::LogicalType&) { return Value::BIGINT(v); });
    case TypeId::decimal:
      return number_statistics<std::int64_t>(type, groups, column, [](std::int64_t v, const duckdb::LogicalType& of) {
        return Value::DECIMAL(v, duckdb::DecimalType::GetWidth(of), duckdb::DecimalType::GetScale(of));
      });
    case TypeId::varchar: return text_statistics(type, groups, column);
  }
  return duckdb::BaseStatistics::CreateUnknown(type);
}

class ColumnTable final : public duckdb::TableCatalogEntry {
 public:
  ColumnTable(duckdb::Catalog& in, duckdb::SchemaCatalogEntry& of, duckdb::CreateTableInfo& info, std::vector<table::Type> types, std::vector<table::Group> groups)
      : TableCatalogEntry(in, of, info), types_(std::move(types)), groups_(std::move(groups)) {
    for (const table::Group& group : groups_) rows_ += group.rows;
  }

  const std::vector<table::Type>& column_types() const { return types_; }
  const std::vector<table::Group>& groups() const { return groups_; }
  std::uint64_t rows() const { return rows_; }

  duckdb::unique_ptr<duckdb::BaseStatistics> GetStatistics(duckdb::ClientContext&, duckdb::column_t column) override {
    if (rows_ == 0 || column >= types_.size()) return nullptr;
    auto known = statistics_.find(column);
    if (known == statistics_.end()) {
      auto made = statistics_of(GetColumns().GetColumn(duckdb::LogicalIndex(column)).Type(), types_[column], groups_, column);
      const bool nulls = std::any_of(groups_.begin(), groups_.end(), [&](const table::Group& group) { return !group.columns[column].valid.empty(); });
      made.Set(duckdb::StatsInfo::CAN_HAVE_VALID_VALUES);
      made.Set(nulls ? duckdb::StatsInfo::CAN_HAVE_NULL_VALUES : duckdb::StatsInfo::CANNOT_HAVE_NULL_VALUES);
      known = statistics_.emplace(column, made.ToUnique()).first;
    }
    return known->second->ToUnique();
  }
  using TableCatalogEntry::GetScanFunction;
  duckdb::TableFunction GetScanFunction(duckdb::ClientContext& context, duckdb::unique_ptr<duckdb::FunctionData>& bind_data) override;
  duckdb::TableStorageInfo GetStorageInfo(duckdb::ClientContext&) override {
    duckdb::TableStorageInfo info;
    info.cardinality = rows_;
    return info;
  }

 private:
  const std::vector<table::Type> types_;
  const std::vector<table::Group> groups_;
  std::uint64_t rows_ = 0;
  std::map<duckdb::column_t, duckdb::unique_ptr<duckdb::BaseStatistics>> statistics_;  // one thread uses a connection
};

struct ScannedTable final : duckdb::TableFunctionData {
  explicit ScannedTable(ColumnTable& scanned) : table(scanned) {}
  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override { return duckdb::make_uniq<ScannedTable>(table); }
  bool Equals(const duckdb::FunctionData& other) const override { return &other.Cast<ScannedTable>().table == &table; }
  ColumnTable& table;
};

struct ScanPlace final : duckdb::GlobalTableFunctionState {
  explicit ScanPlace(std::vector<duckdb::column_t> wanted) : columns(std::move(wanted)) {}
  std::vector<duckdb::column_t> columns;
  std::size_t group = 0;
  std::size_t first = 0;  // row in it
};

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> begin_scan(duckdb::ClientContext&, duckdb::TableFunctionInitInput& input) {
  return duckdb::make_uniq<ScanPlace>(std::vector<duckdb::column_t>(input.column_ids.begin(), input.column_ids.end()));
}

void scan(duckdb::ClientContext& context, duckdb::TableFunctionInput& input, duckdb::DataChunk& output) {
  if (context.interrupted) throw duckdb::InterruptException();
  const ColumnTable& table = input.bind_data->Cast<ScannedTable>().table;
  auto& place = input.global_state->Cast<ScanPlace>();
  if (place.group == table.groups().size()) return;
  const table::Group& group = table.groups()[place.group];
  const std::size_t count = std::min<std::size_t>(STANDARD_VECTOR_SIZE, group.rows - place.first);
  for (std::size_t i = 0; i < place.columns.size(); ++i) {
    const duckdb::column_t column = place.columns[i];
    if (column < group.columns.size()) {
      fill(output.data[i], group.columns[column], table.column_types()[column], place.first, count);
    } else if (column == duckdb::COLUMN_IDENTIFIER_ROW_ID) {
      output.data[i].Sequence(static_cast<std::int64_t>(place.group * table::kGroupRows + place.first), 1, count);
    } else {
      throw duckdb::InternalException("a column that the table has not");
    }
  }
  output.SetCardinality(count);
  place.first += count;
  if (place.first == group.rows) {
    place.first = 0;
    ++place.group;
  }
}

ColumnTable& scanned(const duckdb::FunctionData* bind_data) { return bind_data->Cast<ScannedTable>().table; }

// The engine copies a part of a plan that is needed twice by writing and reading it, so a scan is written as its table's name.
void write_scan(duckdb::Serializer& to, const duckdb::optional_ptr<duckdb::FunctionData> data, const duckdb::TableFunction&) {
  to.WriteProperty(100, "table", scanned(data.get()).name);
}

duckdb::unique_ptr<duckdb::FunctionData> read_scan(duckdb::Deserializer& from, duckdb::TableFunction&) {
  const auto name = from.ReadProperty<duckdb::string>(100, "table");
  auto& entry = duckdb::Catalog::GetEntry<duckdb::TableCatalogEntry>(from.Get<duckdb::ClientContext&>(), "", "main", name);
  auto* const table = dynamic_cast<ColumnTable*>(&entry);
  if (table == nullptr) throw duckdb::InternalException("a scan of a table that is not in a file");
  return duckdb::make_uniq<ScannedTable>(*table);
}

// The name is that of the engine's own scans, which is what a plan is looked through for; it stands in another catalog than theirs.
duckdb::TableFunction scan_function(const duckdb::string& catalog) {
  duckdb::TableFunction function("seq_scan", {}, scan, nullptr, begin_scan);
  function.catalog_name = catalog;
  function.schema_name = "main";
  function.cardinality = [](duckdb::ClientContext&, const duckdb::FunctionData* data) {
    return duckdb::make_uniq<duckdb::NodeStatistics>(scanned(data).rows(), scanned(data).rows());
  };
  function.statistics = [](duckdb::ClientContext& context, const duckdb::FunctionData* data, duckdb::column_t column) { return scanned(data).GetStatistics(context, column); };
  function.get_bind_info = [](const duckdb::optional_ptr<duckdb::FunctionData> data) { return duckdb::BindInfo(scanned(data.get())); };
  function.get_virtual_columns = [](duckdb::ClientContext&, duckdb::optional_ptr<duckdb::FunctionData> data) { return scanned(data.get()).GetVirtualColumns(); };
  function.get_row_id_columns = [](duckdb::ClientContext&, duckdb::optional_ptr<duckdb::FunctionData> data) { return scanned(data.get()).GetRowIdColumns(); };
  function.serialize = write_scan;
  function.deserialize = read_scan;
  function.projection_pushdown = true;
  return function;
}

duckdb::TableFunction ColumnTable::GetScanFunction(duckdb::ClientContext&, duckdb::unique_ptr<duckdb::FunctionData>& bind_data) {
  bind_data = duckdb::make_uniq<ScannedTable>(*this);
  return scan_function(ParentCatalog().GetName());
}

duckdb::LogicalType logical_type(Type type) {
  switch (type.id) {
    case TypeId::boolean: return duckdb::LogicalType::BOOLEAN;
    case TypeId::integer: return duckdb::LogicalType::INTEGER;
    case TypeId::bigint: return duckdb::LogicalType::BIGINT;
    case TypeId::double_: return duckdb::LogicalType::DOUBLE;
    case TypeId::decimal: return duckdb::LogicalType::DECIMAL(static_cast<std::uint8_t>(type.precision), static_cast<std::uint8_t>(type.scale));
    case TypeId::date: return duckdb::LogicalType::DATE;
    case TypeId::varchar: break;
  }
  return duckdb::LogicalType::VARCHAR;
}

}  // namespace

void add_column_table(duckdb::Connection& connection, const Table& table, std::vector<table::Group> groups) {
  duckdb::ClientContext& context = *connection.context;
  context.RunFunctionInTransaction([&] {
    duckdb::Catalog& catalog = duckdb::Catalog::GetCatalog(context, "");
    duckdb::MetaTransaction::Get(context).ModifyDatabase(catalog.GetAttached());
    auto& schema = catalog.GetSchema(context, "main").Cast<duckdb::DuckSchemaEntry>();
    // Without a way to be bound it cannot be called by name: it is there to be found when a scan is read.
    duckdb::CreateTableFunctionInfo scans(scan_function(catalog.GetName()));
    scans.internal = false;
    scans.on_conflict = duckdb::OnCreateConflict::IGNORE_ON_CONFLICT;
    schema.CreateTableFunction(catalog.GetCatalogTransaction(context), scans);
    duckdb::CreateTableInfo info(schema, table.name);
    std::vector<Type> types;
    for (const Column& column : table.columns) {
      info.columns.AddColumn(duckdb::ColumnDefinition(column.name, logical_type(column.type)));
      types.push_back(column.type);
    }
    schema.AddEntry(catalog.GetCatalogTransaction(context), duckdb::make_uniq<ColumnTable>(catalog, schema, info, std::move(types), std::move(groups)),
                    duckdb::OnCreateConflict::ERROR_ON_CONFLICT);
  });
}

}  // namespace redoubt::sql
