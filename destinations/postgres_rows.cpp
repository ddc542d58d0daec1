#include "destinations/postgres_rows.hpp"

#include <charconv>
#include <cstdint>
#include <utility>

namespace nexus::destinations {

namespace {

constexpr std::size_t embedding_column = 16;

void replace_nul(std::string& text) {
  for (auto at = text.find('\0'); at != std::string::npos; at = text.find('\0', at)) {
    text.replace(at, 1, "\xEF\xBF\xBD");
  }
}

void replace_nul(memory_record& record) {
  for (const auto& field : fields_before_version) replace_nul(record.*field.member);
  for (const auto& field : fields_after_version) replace_nul(record.*field.member);
  for (std::string& label : record.sensitivity_labels) replace_nul(label);
  replace_nul(record.classification_tier);
  std::map<std::string, std::string> metadata;
  for (const auto& [name, text] : record.metadata) {
    std::string key = name;
    std::string value = text;
    replace_nul(key);
    replace_nul(value);
    metadata.insert_or_assign(std::move(key), std::move(value));
  }
  record.metadata = std::move(metadata);
}

/// The literal of an array, or of a vector, which differ in their brackets only.
std::string embedding_literal(const std::vector<float>& embedding, bool array) {
  if (embedding.empty()) return {};
  std::string text;
  for (const float value : embedding) {
    text += text.empty() ? (array ? '{' : '[') : ',';
    std::array<char, 32> digits{};
    text.append(digits.data(),
                std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
  }
  return text + (array ? '}' : ']');
}

std::string labels_literal(const std::vector<std::string>& labels) {
  std::string text = "{";
  for (const std::string& label : labels) {
    if (text.size() > 1) text += ',';
    text += '"';
    for (const char c : label) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text + '}';
}

void append_int32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

/// The head of a one-dimensional array of text: dimensions, whether there are NULLs, the type's
/// oid, the number of elements, the first index.
void append_array_head(std::string& out, std::size_t elements) {
  constexpr std::uint32_t text_oid = 25;
  append_int32(out, 1);
  append_int32(out, 1);
  append_int32(out, text_oid);
  append_int32(out, static_cast<std::uint32_t>(elements));
  append_int32(out, 1);
}

void append_element(std::string& out, std::string_view text) {
  append_int32(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

void append_null(std::string& out) {
  append_int32(out, ~std::uint32_t{0});
}

/// What a column that is not text is cast to; empty: nothing.
std::string cast_of(std::string_view column, const std::string& embedding_type) {
  if (column == "timestamp") return "::timestamptz";
  if (column == "schema_version") return "::integer";
  if (column == "embedding") return "::" + embedding_type;
  if (column == "metadata") return "::jsonb";
  if (column == "sensitivity_labels") return "::text[]";
  return {};
}

}  // namespace

std::array<std::string_view, postgres_columns.size()> postgres_row::cells() const {
  std::array<std::string_view, postgres_columns.size()> all;
  std::size_t next = 0;
  for (const auto& field : fields_before_version) all[next++] = record.*field.member;
  all[next++] = schema_version;
  for (const auto& field : fields_after_version) all[next++] = record.*field.member;
  all[next++] = embedding;
  all[next++] = metadata;
  all[next++] = labels;
  all[next++] = record.classification_tier;
  return all;
}

std::size_t postgres_row::bytes() const {
  std::size_t sum = 0;
  for (const auto cell : cells()) sum += cell.size();
  return sum;
}

core::result<postgres_row> make_postgres_row(const core::entry& entry,
                                             const std::string& embedding_type, outcome& result) {
  auto record = record_of(entry);
  if (!record) return std::move(record).reason();
  if (record->payload_id.find('\0') != std::string::npos) {
    return core::error{core::errc::invalid_argument,
                       "the payload id has a NUL character, which PostgreSQL cannot store"};
  }
  replace_nul(*record);
  postgres_row row{*std::move(record), {}, {}, {}, {}, &result};
  row.schema_version = std::to_string(row.record.schema_version);
  row.embedding = embedding_literal(row.record.embedding, embedding_type.ends_with("[]"));
  row.metadata = metadata_json(row.record.metadata);
  row.labels = labels_literal(row.record.sensitivity_labels);
  return row;
}

std::string text_array(std::span<const std::string_view> elements) {
  std::string out;
  append_array_head(out, elements.size());
  for (const auto element : elements) append_element(out, element);
  return out;
}

std::string insert_statement(const std::string& table, const std::string& embedding_type) {
  std::string columns;
  std::string values;
  std::string arrays;
  int number = 0;
  for (const std::string column : postgres_columns) {
    const std::string comma = number++ == 0 ? "" : ", ";
    columns += comma + column;
    values += comma + "r." + column + cast_of(column, embedding_type);
    arrays += comma + "$" + std::to_string(number) + "::text[]";
  }
  return "INSERT INTO " + table + " (" + columns + ") SELECT " + values + " FROM unnest(" + arrays +
         ") AS r(" + columns + ") ON CONFLICT (payload_id) DO NOTHING";
}

insert_parameters::insert_parameters(std::span<const postgres_row> rows) {
  for (std::string& array : arrays_) append_array_head(array, rows.size());
  for (const postgres_row& row : rows) {
    const auto cells = row.cells();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i == embedding_column && cells[i].empty()) {
        append_null(arrays_[i]);
      } else {
        append_element(arrays_[i], cells[i]);
      }
    }
  }
}

std::array<postgres_parameter, postgres_columns.size()> insert_parameters::list() const {
  std::array<postgres_parameter, postgres_columns.size()> all;
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = {arrays_[i], true};
  return all;
}

}  // namespace nexus::destinations
