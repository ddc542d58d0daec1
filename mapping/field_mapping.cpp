#include "mapping/field_mapping.hpp"

#include <algorithm>
#include <cstdint>

#include "core/json_text.hpp"
#include "mapping/member_key.hpp"
#include "mapping/value_text.hpp"

namespace nexus::mapping {
namespace {

/// A stored line is at most this long (section 1.7 of the v0.1.2 behaviour); the log has the last
/// word.
constexpr std::size_t line_bytes_max = 10'485'759;
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
    return bytes_ <= line_bytes_max;
  }

 private:
  std::map<std::string, std::string>& into_;
  std::size_t bytes_ = 0;
};

}  // namespace

std::optional<std::string> mapping_error(std::string_view path) {
  const auto parsed = json_path::parse(path);
  if (parsed.ok()) return std::nullopt;
  return parsed.reason().text;
}

field_mapping::field_mapping(const path_list& paths, const transform_lists& transforms)
    : fields_{{{"collection", &mapped_fields::collection, {}, {}},
               {"content", &mapped_fields::content, {}, {}},
               {"model", &mapped_fields::model, {}, {}},
               {"role", &mapped_fields::role, {}, {}}}} {
  for (const auto& [name, path] : paths) {
    excluded_.push_back(path.substr(0, path.find('.')));
    compile_path(name, path);
  }
  for (const auto& [name, list] : transforms)
    for (auto& known : fields_)
      if (known.name == name) known.transforms = transform_list(list);
}

void field_mapping::compile_path(const std::string& name, const std::string& path) {
  for (auto& known : fields_) {
    if (known.name != name) continue;
    auto parsed = json_path::parse(path);
    if (parsed.ok()) {
      known.path = std::move(*parsed);
    } else {
      problems_.push_back("mapping of " + name + ": " + parsed.reason().text);
    }
  }
}

bool field_mapping::is_excluded(std::string_view key) const {
  return std::find(excluded_.begin(), excluded_.end(), key) != excluded_.end();
}

mapped_fields field_mapping::apply(std::string_view raw) const {
  mapped_fields out;
  metadata_builder metadata(out.metadata);
  std::array<bool, std::tuple_size_v<decltype(fields_)>> found{};
  const auto visit = [&](std::optional<std::string_view> key, std::uint64_t index,
                         std::string_view value) {
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (found[i] || !fields_[i].path) continue;
      const auto hit = fields_[i].path->find_from(key, index, value);
      if (!hit) continue;
      found[i] = true;
      out.*fields_[i].target = value_text(*hit);
    }
    std::string name = key ? std::string(*key) : std::to_string(index);
    if (!is_excluded(name)) out.too_large = !metadata.put(std::move(name), value_text(value));
  };

  const auto kind = core::json::kind_of(raw);
  if (kind == core::json::kind::object || kind == core::json::kind::array) {
    core::json::members members(raw);
    std::uint64_t index = 0;
    for (auto* member = members.next(); member != nullptr && !out.too_large;
         member = members.next(), ++index)
      visit(member_key(*member).text(), index, member->value);
  } else if (!is_excluded("")) {
    out.metadata.emplace("", value_text(raw));
  }
  for (const auto& known : fields_) known.transforms.apply(out.*known.target);
  return out;
}

}  // namespace nexus::mapping
