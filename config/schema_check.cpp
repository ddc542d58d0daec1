#include <algorithm>
#include <map>

#include "config/schema.hpp"
#include "config/spelling.hpp"

namespace nexus::config {
namespace {

/// The known keys as a tree: inner nodes are tables, or lists of tables.
struct known_node {
  std::map<std::string, known_node, std::less<>> children;
  const key_info* info = nullptr;  ///< null for a table
  bool open = false;               ///< it may have keys beside the known ones

  const known_node* child(std::string_view key) const {
    if (const auto exact = children.find(key); exact != children.end()) return &exact->second;
    const auto any = children.find("*");
    return any == children.end() ? nullptr : &any->second;
  }
};

known_node make_tree(std::span<const key_info> keys) {
  known_node root;
  for (const key_info& info : keys) {
    known_node* at = &root;
    for (std::string_view rest = info.path; !rest.empty();) {
      const std::size_t dot = std::min(rest.find('.'), rest.size());
      at = &at->children[std::string(rest.substr(0, dot))];
      rest.remove_prefix(std::min(dot + 1, rest.size()));
    }
    at->info = &info;
  }
  return root;
}

/// Keys that documents of v0.1.2 named, and that it never read.
struct misnamed_key {
  file_kind kind;
  std::string_view key;
  std::string_view right;
};
constexpr misnamed_key misnamed_keys[] = {
    {file_kind::source, "rate_limit_rpm", "source.rate_limit.requests_per_minute"},
    {file_kind::source, "max_payload_bytes", "source.payload_limits.max_bytes"},
    {file_kind::destination, "path", "destination.db_path"},
    {file_kind::destination, "connection_string", "destination.dsn"},
    {file_kind::daemon, "drain_timeout_seconds", "daemon.shutdown.drain_timeout_seconds"},
};

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('.') + 1);
}

bool is_list(value_type type) {
  return type == value_type::strings || type == value_type::integers || type == value_type::tables;
}

bool element_fits(value_type list, const value& element) {
  if (list == value_type::strings) return element.kind == value_kind::string;
  if (list == value_type::integers) return element.kind == value_kind::integer;
  return element.kind == value_kind::table;
}

/// The value that has the wrong type: `content`, or one of its elements; null if all is well.
const value* misfit(value_type type, const value& content) {
  const value_kind kind = content.kind;
  if (is_list(type) && kind == value_kind::array) {
    const auto bad = std::find_if(content.children.begin(), content.children.end(),
                                  [type](const value& e) { return !element_fits(type, e); });
    return bad == content.children.end() ? nullptr : &*bad;
  }
  const bool numeric = kind == value_kind::integer || kind == value_kind::real;
  bool fits = false;
  if (type == value_type::string) fits = kind == value_kind::string;
  if (type == value_type::integer) fits = kind == value_kind::integer;
  if (type == value_type::number) fits = numeric;
  if (type == value_type::boolean) fits = kind == value_kind::boolean;
  return fits ? nullptr : &content;
}

const char* wanted(value_type type) {
  switch (type) {
    case value_type::string:
      return "a string";
    case value_type::integer:
      return "an integer";
    case value_type::number:
      return "a number";
    case value_type::boolean:
      return "true or false";
    case value_type::strings:
      return "a list of strings";
    case value_type::integers:
      return "a list of integers";
    case value_type::tables:
      break;
  }
  return "a list of tables";
}

const char* found(value_kind kind) {
  switch (kind) {
    case value_kind::string:
      return "a string";
    case value_kind::integer:
      return "an integer";
    case value_kind::real:
      return "a number with a fraction";
    case value_kind::boolean:
      return "true or false";
    case value_kind::date:
      return "a date or time";
    case value_kind::array:
      return "a list";
    case value_kind::table:
      break;
  }
  return "a table";
}

constexpr key_info a_text{"", value_type::string};
constexpr key_info an_integer{"", value_type::integer};
constexpr key_info a_boolean{"", value_type::boolean};

/// What a destination type's own key may hold.
known_node node_of(core::setting_kind kind) {
  known_node node;
  switch (kind) {
    case core::setting_kind::text:
    case core::setting_kind::path:
    case core::setting_kind::secret:
      node.info = &a_text;
      break;
    case core::setting_kind::integer:
      node.info = &an_integer;
      break;
    case core::setting_kind::boolean:
      node.info = &a_boolean;
      break;
    case core::setting_kind::table:
    case core::setting_kind::secret_table:
      node.children["*"].info = &a_text;
      break;
  }
  return node;
}

class checker {
 public:
  checker(file_kind kind, std::vector<finding>& findings)
      : kind_(kind), tree_(make_tree(known_keys(kind))), findings_(findings) {}

  /// For a destination: the keys of its type, which win over those of v0.1.2 of the same name.
  void add_type(const core::setting_schema* type) {
    if (type == nullptr) {
      // Whatever it is, it may be a key of the type that was meant.
      tree_.children["destination"].open = true;
      return;
    }
    for (const core::setting& key : type->keys) {
      tree_.children["destination"].children[key.name] = node_of(key.kind);
    }
  }

  void run(const value& document) { check_table(document, tree_, ""); }

 private:
  void check_table(const value& table, const known_node& known, const std::string& path) {
    for (const value& member : table.children) {
      const std::string member_path = path.empty() ? member.key : path + '.' + member.key;
      if (const known_node* node = known.child(member.key)) {
        check_member(member, *node, member_path);
      } else if (!known.open) {
        report_unknown(member, known, path);
      }
    }
  }

  void check_member(const value& member, const known_node& known, const std::string& path) {
    if (known.info == nullptr) {
      if (member.kind == value_kind::table) return check_table(member, known, path);
      return report_type(member, path + " must be a table, but this is ");
    }
    const value_type type = known.info->type;
    if (const value* bad = misfit(type, member)) {
      const char* but = bad == &member ? ", but this is " : ", but this element is ";
      return report_type(*bad, path + " must be " + wanted(type) + but);
    }
    if (type == value_type::tables) {
      for (const value& element : member.children) check_table(element, known, path);
    }
    if (!known.info->effective && member.key == "enabled" && member.boolean) {
      findings_.push_back({severity::warning, "no_effect",
                           path + " = true has no effect: this version does not have that feature",
                           member.key_at});
    }
  }

  void report_type(const value& bad, const std::string& text) {
    findings_.push_back({severity::error, "wrong_type", text + found(bad.kind), bad.where});
  }

  void report_unknown(const value& member, const known_node& table, const std::string& path) {
    const std::string where = path.empty() ? " at the top of the file" : " in [" + path + ']';
    const std::string right = suggestion(member.key, table);
    const bool tests = kind_ == file_kind::mapping_tests;
    const bool grave = kind_ == file_kind::destination || tests;
    const std::string page = tests ? "docs/mapping.md" : "docs/configuration.md";
    findings_.push_back({grave ? severity::error : severity::warning, "unknown_key",
                         "unknown key \"" + member.key + '"' + where +
                             (grave ? "" : " has no effect") +
                             (right.empty() ? "; " + page + " lists all keys"
                                            : "; did you mean \"" + right + "\"?"),
                         member.key_at});
  }

  /// The known key that was probably meant; empty if nothing comes near.
  std::string suggestion(std::string_view key, const known_node& table) const {
    for (const misnamed_key& wrong : misnamed_keys) {
      if (wrong.kind == kind_ && wrong.key == key) return std::string(wrong.right);
    }
    std::vector<std::string> known;
    for (const auto& [name, node] : table.children) {
      if (name != "*") known.push_back(name);
    }
    const std::string best = nearest_word(key, known);
    return best.empty() ? same_name_elsewhere(key) : best;
  }

  /// The full path of a key of that very name in another table.
  std::string same_name_elsewhere(std::string_view key) const {
    const auto keys = known_keys(kind_);
    const auto match = std::find_if(keys.begin(), keys.end(), [key](const key_info& info) {
      return last_part(info.path) == key;
    });
    return match == keys.end() ? std::string() : std::string(match->path);
  }

  file_kind kind_;
  known_node tree_;
  std::vector<finding>& findings_;
};

}  // namespace

void check_keys(file_kind kind, const value& document, std::vector<finding>& findings) {
  checker(kind, findings).run(document);
}

void check_destination_keys(const value& document, const core::setting_schema* type,
                            std::vector<finding>& findings) {
  checker all(file_kind::destination, findings);
  all.add_type(type);
  all.run(document);
}

}  // namespace nexus::config
