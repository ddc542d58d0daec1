#include "config/document.hpp"

#include <toml++/toml.h>

#include <algorithm>

#include "config/reference.hpp"

namespace nexus::config {
namespace {

location place(const toml::source_region& region, const std::string& file) {
  return {file, region.begin.line, region.begin.column};
}

bool stands_before(const value& a, const value& b) {
  return a.key_at.line != b.key_at.line ? a.key_at.line < b.key_at.line
                                        : a.key_at.column < b.key_at.column;
}

value convert(const toml::node& node, const std::string& file);

void convert_members(const toml::table& table, const std::string& file, value& out) {
  for (const auto& [key, node] : table) {
    value child = convert(node, file);
    child.key = std::string(key.str());
    child.key_at = place(key.source(), file);
    out.children.push_back(std::move(child));
  }
  // toml++ sorts keys by name; people read files from top to bottom.
  std::stable_sort(out.children.begin(), out.children.end(), stands_before);
}

void convert_elements(const toml::array& array, const std::string& file, value& out) {
  for (const toml::node& node : array) {
    value child = convert(node, file);
    child.key_at = child.where;
    out.children.push_back(std::move(child));
  }
}

void convert_scalar(const toml::node& node, value& out) {
  if (const auto* text = node.as_string()) {
    out.kind = value_kind::string;
    out.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    out.kind = value_kind::integer;
    out.integer = integer->get();
    out.text = std::to_string(out.integer);
  } else if (const auto* boolean = node.as_boolean()) {
    out.kind = value_kind::boolean;
    out.boolean = boolean->get();
    out.text = out.boolean ? "true" : "false";
  } else if (const auto* real = node.as_floating_point()) {
    out.kind = value_kind::real;
    out.text = std::to_string(real->get());
  } else {
    out.kind = value_kind::date;
  }
}

value convert(const toml::node& node, const std::string& file) {
  value out;
  out.where = place(node.source(), file);
  if (const auto* table = node.as_table()) {
    out.kind = value_kind::table;
    convert_members(*table, file, out);
  } else if (const auto* array = node.as_array()) {
    out.kind = value_kind::array;
    convert_elements(*array, file, out);
  } else {
    convert_scalar(node, out);
  }
  return out;
}

/// toml++ ends its texts with what it saw instead, and that may be a key that somebody forgot to
/// put in quotes.
std::string without_quotation(std::string_view description) {
  return std::string(description.substr(0, description.find(", saw")));
}

}  // namespace

const value* value::member(std::string_view name) const noexcept {
  if (kind != value_kind::table) return nullptr;
  const auto found = std::find_if(children.begin(), children.end(),
                                  [name](const value& child) { return child.key == name; });
  return found == children.end() ? nullptr : &*found;
}

const value* value::find(std::string_view path) const noexcept {
  const value* at = this;
  while (at != nullptr && !path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    at = at->member(path.substr(0, dot));
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return at;
}

std::optional<value> read_document(const std::string& path, std::vector<finding>& findings) {
  auto text = read_text_file(path);
  if (!text.ok()) {
    findings.push_back({severity::error, "unreadable", text.reason().text, {path}});
    return std::nullopt;
  }
  try {
    const toml::table table = toml::parse(std::string_view(*text), std::string_view(path));
    value root = convert(table, path);
    root.where = {path, 1, 1};
    root.key_at = root.where;
    return root;
  } catch (const toml::parse_error& problem) {
    findings.push_back({severity::error, "syntax",
                        "this is not TOML: " + without_quotation(problem.description()),
                        place(problem.source(), path)});
    return std::nullopt;
  }
}

}  // namespace nexus::config
