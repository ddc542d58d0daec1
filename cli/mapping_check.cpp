#include "cli/mapping_check.hpp"

#include <algorithm>
#include <map>
#include <string_view>

#include "core/json_text.hpp"

namespace nexus::cli {
namespace {

/// A payload by the names of its members, as text where they are texts.
struct payload_view {
  std::map<std::string, std::string, std::less<>> fields;
  std::map<std::string, std::string, std::less<>> metadata;
  std::vector<std::string> sensitivity_labels;
};

payload_view read_payload(const std::string& json) {
  payload_view out;
  core::json::members members(json);
  while (const auto* member = members.next()) {
    const std::string key = core::json::unquote(member->key);
    const auto kind = core::json::kind_of(member->value);
    if (kind == core::json::kind::string) out.fields[key] = core::json::unquote(member->value);
    if (kind != core::json::kind::array && kind != core::json::kind::object) continue;
    core::json::members inner(member->value);
    while (const auto* one = inner.next()) {
      if (key == "metadata")
        out.metadata[core::json::unquote(one->key)] = core::json::unquote(one->value);
      if (key == "sensitivity_labels")
        out.sensitivity_labels.push_back(core::json::unquote(one->value));
    }
  }
  return out;
}

std::optional<shown_value> one(const std::string& text) {
  return shown_value{{text}, false};
}

std::vector<std::string> sorted(std::vector<std::string> list) {
  std::sort(list.begin(), list.end());
  return list;
}

class comparison {
 public:
  comparison(const config::mapping_test& expected, const ingest::write_preview& got)
      : expected_(expected), got_(got) {}

  std::vector<mismatch> run() {
    compare_answer();
    // What was refused has no payload; that it was is said already.
    if (got_.entries.empty()) return std::move(out_);
    const auto payload = read_payload(got_.entries.front()->payload);
    for (const auto& field : expected_.fields) {
      const auto found = payload.fields.find(field.name);
      compare_text(field.name, field, found == payload.fields.end() ? "" : found->second);
    }
    std::vector<std::string> destinations;
    for (const auto& entry : got_.entries) destinations.push_back(entry->destination);
    compare_list("destinations", expected_.destinations, destinations);
    compare_list("sensitivity_labels", expected_.sensitivity_labels, payload.sensitivity_labels);
    compare_metadata(payload);
    return std::move(out_);
  }

 private:
  void compare_answer() {
    if (expected_.error && got_.error != expected_.error->text) {
      out_.push_back(
          {"error", one(expected_.error->text), got_.error.empty() ? std::nullopt : one(got_.error),
           got_.error.empty() ? "the write was taken" : got_.message, expected_.error->where});
    } else if (!expected_.error && !got_.error.empty()) {
      out_.push_back({"error", std::nullopt, one(got_.error), got_.message, expected_.where});
    }
    if (expected_.status) compare_text("status", *expected_.status, std::to_string(got_.status));
  }

  void compare_text(const std::string& field, const config::expected_text& wanted,
                    const std::string& got) {
    if (wanted.text == got) return;
    out_.push_back({field, one(wanted.text), one(got), "", wanted.where});
  }

  void compare_list(const std::string& field, const std::optional<config::expected_list>& wanted,
                    const std::vector<std::string>& got) {
    if (!wanted || sorted(wanted->elements) == sorted(got)) return;
    out_.push_back(
        {field, shown_value{wanted->elements, true}, shown_value{got, true}, "", wanted->where});
  }

  void compare_metadata(const payload_view& payload) {
    const auto& wanted = expected_.metadata;
    for (const auto& each : wanted) {
      const auto found = payload.metadata.find(each.name);
      if (found == payload.metadata.end()) {
        out_.push_back({"metadata." + each.name, one(each.text), std::nullopt, "", each.where});
      } else {
        compare_text("metadata." + each.name, each, found->second);
      }
    }
    if (!expected_.exact_metadata) return;
    for (const auto& [name, text] : payload.metadata) {
      const bool is_wanted = std::any_of(wanted.begin(), wanted.end(),
                                         [&name = name](auto& each) { return each.name == name; });
      if (is_wanted) continue;
      out_.push_back({"metadata." + name, std::nullopt, one(text),
                      "exact_metadata allows only what metadata lists", expected_.metadata_at});
    }
  }

  const config::mapping_test& expected_;
  const ingest::write_preview& got_;
  std::vector<mismatch> out_;
};

}  // namespace

std::vector<mismatch> compare(const config::mapping_test& expected,
                              const ingest::write_preview& got) {
  return comparison(expected, got).run();
}

}  // namespace nexus::cli
