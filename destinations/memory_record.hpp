// A memory record: the TranslatedPayload (section 3.4 of the v0.1.2 behaviour), which is the
// payload of an entry and the result of a query. Its JSON, both ways, for destinations that store
// it in columns.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/entry.hpp"
#include "core/result.hpp"

namespace nexus::destinations {

/// One record. Text is UTF-8 and may hold NUL characters.
struct memory_record {
  std::string payload_id;
  std::string request_id;
  std::string source;
  std::string subject;
  std::string name_space;
  std::string destination;
  std::string collection;
  std::string content;
  std::string model;
  std::string role;
  std::string timestamp;  ///< RFC 3339 in UTC, trailing zeros of the fraction dropped.
  std::string idempotency_key;
  std::int64_t schema_version = 0;
  std::string transform_version;
  std::string actor_type;
  std::string actor_id;
  std::vector<float> embedding;                 ///< Finite numbers; empty: none.
  std::map<std::string, std::string> metadata;  ///< Sorted by byte values.
  std::vector<std::string> sensitivity_labels;
  std::string classification_tier;
};

/// A text member and its name, which is both the JSON key and the column.
struct text_field {
  std::string_view name;
  std::string memory_record::*member;
};

/// The text members before `schema_version`, in the order of the JSON and of the columns.
inline constexpr std::array<text_field, 12> fields_before_version{{
    {"payload_id", &memory_record::payload_id},
    {"request_id", &memory_record::request_id},
    {"source", &memory_record::source},
    {"subject", &memory_record::subject},
    {"namespace", &memory_record::name_space},
    {"destination", &memory_record::destination},
    {"collection", &memory_record::collection},
    {"content", &memory_record::content},
    {"model", &memory_record::model},
    {"role", &memory_record::role},
    {"timestamp", &memory_record::timestamp},
    {"idempotency_key", &memory_record::idempotency_key},
}};

/// The text members right after it.
inline constexpr std::array<text_field, 3> fields_after_version{{
    {"transform_version", &memory_record::transform_version},
    {"actor_type", &memory_record::actor_type},
    {"actor_id", &memory_record::actor_id},
}};

/// Reads a record by the rules of section 1.4: keys in any order and case, the last of two wins,
/// null keeps the default, unknown keys are dropped. Lone surrogates and bytes that are not UTF-8
/// become U+FFFD. The timestamp is converted to UTC; where there is none it is the zero time.
/// Error: `invalid_argument` if it is not an object or a member has the wrong type; names the
/// member, never its value.
core::result<memory_record> parse_record(std::string_view json);

/// The record of an entry as it is stored: a payload without an id takes its entry's, and an empty
/// tier is `public`. Error: `invalid_argument`, as above, or if there is no id at all.
core::result<memory_record> record_of(const core::entry& entry);

/// Appends the record's JSON: keys in the order of section 3.4, the last four left out when empty.
void append_json(std::string& out, const memory_record& record);

/// Metadata as a JSON object with sorted keys, `{}` if empty; and back.
/// Error: `invalid_argument` if it is not an object of strings.
std::string metadata_json(const std::map<std::string, std::string>& metadata);
core::result<std::map<std::string, std::string>> parse_metadata(std::string_view json);

/// An embedding as a JSON array of numbers, in the reference's spelling.
std::string embedding_json(const std::vector<float>& embedding);

}  // namespace nexus::destinations
