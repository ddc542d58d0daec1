#include "mapping/field_mapping.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/json_text.hpp"
#include "core/log_line.hpp"
#include "mapping/member_key.hpp"
#include "mapping/value_text.hpp"

namespace nexus::mapping {
namespace {

/// Quotes, colon and comma of a member.
constexpr std::size_t member_bytes = 6;

/// Metadata as it grows, and the least that it takes in a line.
class metadata_builder {
 public:
  explicit metadata_builder(std::map<std::string, std::string>& into) : into_(into) {}

  /// False once there is too much.
  bool put(std::string key, std::string value) {
    const auto [at, is_new] = into_.try_emplace(std::move(key));
    if (is_new) bytes_ += at->first.size() + member_bytes;
    bytes_ += value.size() - at->second.size();
    at->second = std::move(value);
    return bytes_ <= core::line_bytes_max;  // the log has the last word
  }

 private:
  std::map<std::string, std::string>& into_;
  std::size_t bytes_ = 0;
};

struct payload_field {
  std::string_view name;
  std::string mapped_fields::*target;
};
constexpr std::array<payload_field, 4> payload_fields{{{"collection", &mapped_fields::collection},
                                                       {"content", &mapped_fields::content},
                                                       {"model", &mapped_fields::model},
                                                       {"role", &mapped_fields::role}}};

}  // namespace

std::optional<std::string> mapping_error(std::string_view path) {
  const auto parsed = json_path::parse(path);
  if (parsed.ok()) return std::nullopt;
  return parsed.reason().text;
}

bool is_payload_field(std::string_view name) {
  return std::any_of(payload_fields.begin(), payload_fields.end(),
                     [name](const auto& one) { return one.name == name; });
}

field_mapping::field_mapping(const path_list& paths, const transform_lists& transforms) {
  for (const auto& [name, target] : payload_fields)
    fields_.push_back({std::string(name), target, {}, {}});
  for (const auto& [name, path] : paths) {
    excluded_.push_back(path.substr(0, path.find('.')));
    auto parsed = json_path::parse(path);
    if (parsed.ok()) {
      field_for(name).path = std::move(*parsed);
    } else {
      problems_.push_back("mapping of " + name + ": " + parsed.reason().text);
    }
  }
  for (const auto& [name, list] : transforms)
    for (auto& known : fields_)
      if (known.name == name) known.transforms = transform_list(list);
}

field_mapping::field& field_mapping::field_for(const std::string& name) {
  for (auto& known : fields_)
    if (known.name == name) return known;
  fields_.push_back({name, nullptr, {}, {}});
  return fields_.back();
}

bool field_mapping::is_excluded(std::string_view key) const {
  return std::find(excluded_.begin(), excluded_.end(), key) != excluded_.end();
}

/// One value on its way through.
class field_mapping::run {
 public:
  explicit run(const field_mapping& how) : how_(how), found_(how.fields_.size()) {}

  /// A member, or an element, of the value.
  void visit(const core::json::member& member, std::uint64_t index) {
    const member_key key(member);
    for (std::size_t i = 0; i < found_.size(); ++i) {
      const auto& path = how_.fields_[i].path;
      if (found_[i] || !path || !path->is_plain()) continue;
      found_[i] = path->find_from(key.text(), index, member.value);
    }
    const auto number = key.text() ? std::string() : std::to_string(index);
    const auto name = key.text().value_or(number);
    if (!how_.is_excluded(name)) keep(std::string(name), value_text(member.value));
  }

  void keep(std::string key, std::string value) {
    out_.too_large = !metadata_.put(std::move(key), std::move(value));
  }

  /// Nothing more will be read.
  bool is_full() const { return out_.too_large; }

  mapped_fields finish(std::string_view raw) && {
    for (std::size_t i = 0; i < found_.size() && !is_full(); ++i) {
      const auto& field = how_.fields_[i];
      auto found = field.path && !field.path->is_plain() ? field.path->text_in(raw)
                   : found_[i]                           ? std::optional(value_text(*found_[i]))
                                                         : std::nullopt;
      const bool is_there = found.has_value();
      std::string text = std::move(found).value_or(std::string());
      field.transforms.apply(text);
      if (field.target != nullptr) {
        out_.*field.target = std::move(text);
      } else if (is_there || !text.empty()) {
        keep(field.name, std::move(text));
      }
    }
    return std::move(out_);
  }

 private:
  const field_mapping& how_;
  /// Where the plain paths lead to, in the order of the fields.
  std::vector<std::optional<std::string_view>> found_;
  mapped_fields out_;
  metadata_builder metadata_{out_.metadata};
};

mapped_fields field_mapping::apply(std::string_view raw) const {
  run through(*this);
  const auto kind = core::json::kind_of(raw);
  if (kind == core::json::kind::object || kind == core::json::kind::array) {
    core::json::members members(raw);
    std::uint64_t index = 0;
    for (auto* member = members.next(); member != nullptr && !through.is_full();
         member = members.next(), ++index)
      through.visit(*member, index);
  } else if (!is_excluded("")) {
    through.keep("", value_text(raw));
  }
  return std::move(through).finish(raw);
}

}  // namespace nexus::mapping
