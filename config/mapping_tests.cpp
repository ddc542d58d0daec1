#include "config/mapping_tests.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "config/document.hpp"
#include "config/reference.hpp"
#include "config/schema.hpp"
#include "config/spelling.hpp"

namespace nexus::config {
namespace {

constexpr std::array<std::string_view, 10> payload_fields{
    "content",   "role",       "model",    "collection",          "subject",
    "namespace", "actor_type", "actor_id", "classification_tier", "idempotency_key"};

/// One `[[test]]` of a file that check_keys has seen.
class test_reader {
 public:
  test_reader(const value& table, const std::string& directory, std::vector<finding>& findings)
      : table_(table), directory_(directory), findings_(findings) {}

  mapping_test read() {
    out_.where = table_.where;
    out_.name = required("name", "missing_name", "a test needs a name: name = \"…\"");
    out_.source =
        required("source", "missing_source", "a test needs the name of a source: source = \"…\"");
    if (const value* source = table_.find("source")) out_.source_at = source->where;
    if (const value* headers = table_.find("headers")) {
      for (const value& header : headers->children)
        out_.headers.emplace_back(header.key, header.text);
    }
    read_input();
    if (const value* expect = table_.find("expect")) read_expectation(*expect);
    return std::move(out_);
  }

 private:
  void fail(const char* code, const location& where, const std::string& message) {
    findings_.push_back({severity::error, code, message, where});
  }

  std::string required(std::string_view key, const char* code, const char* hint) {
    const value* found = table_.find(key);
    if (found != nullptr && !found->text.empty()) return found->text;
    fail(code, found == nullptr ? table_.where : found->where, hint);
    return {};
  }

  void read_input() {
    const value* text = table_.find("input");
    const value* file = table_.find("input_file");
    if (text != nullptr && file != nullptr)
      return fail("conflicting_keys", file->key_at,
                  "input and input_file both say what is sent; keep one of them");
    if (text != nullptr) {
      out_.input = text->text;
    } else if (file != nullptr) {
      auto read = read_text_file((std::filesystem::path(directory_) / file->text).string());
      if (!read.ok()) return fail("unreadable", file->where, read.reason().text);
      out_.input = std::move(*read);
    } else {
      fail("missing_input", table_.where,
           "a test needs what is sent: input = '{…}', or input_file = \"FILE\"");
    }
  }

  void read_expectation(const value& expect) {
    for (const auto name : payload_fields) {
      if (const auto field = text_of(expect, name)) out_.fields.push_back(*field);
    }
    out_.error = text_of(expect, "error");
    out_.status = text_of(expect, "status");
    out_.destinations = list_of(expect, "destinations");
    out_.sensitivity_labels = list_of(expect, "sensitivity_labels");
    out_.metadata_at = expect.where;
    if (const value* metadata = expect.member("metadata")) {
      out_.metadata_at = metadata->key_at;
      for (const value& one : metadata->children)
        out_.metadata.push_back({one.key, one.text, one.where});
    }
    const value* exact = expect.member("exact_metadata");
    out_.exact_metadata = exact != nullptr && exact->boolean;
    check_error_alone();
  }

  void check_error_alone() {
    const bool payload = !out_.fields.empty() || !out_.metadata.empty() || out_.exact_metadata ||
                         out_.destinations || out_.sensitivity_labels;
    if (out_.error && payload)
      fail("conflicting_keys", out_.error->where,
           "a write that is refused has no payload: beside error only status can be expected");
  }

  static std::optional<expected_text> text_of(const value& expect, std::string_view name) {
    const value* found = expect.member(name);
    if (found == nullptr) return std::nullopt;
    return expected_text{std::string(name), found->text, found->where};
  }

  static std::optional<expected_list> list_of(const value& expect, std::string_view name) {
    const value* found = expect.member(name);
    if (found == nullptr) return std::nullopt;
    expected_list out{{}, found->where};
    for (const value& element : found->children) out.elements.push_back(element.text);
    return out;
  }

  const value& table_;
  const std::string& directory_;
  std::vector<finding>& findings_;
  mapping_test out_;
};

}  // namespace

std::vector<mapping_test> read_mapping_tests(const std::string& path,
                                             std::vector<finding>& findings) {
  const auto document = read_document(path, findings);
  if (!document) return {};
  const std::size_t before = findings.size();
  check_keys(file_kind::mapping_tests, *document, findings);
  // What has the wrong type would be taken for what is not there.
  if (findings.size() > before) return {};
  const value* tests = document->find("test");
  if (tests == nullptr || tests->children.empty()) {
    findings.push_back(
        {severity::error, "missing_tests", "there is no [[test]] in this file", {path}});
    return {};
  }
  const std::string directory = std::filesystem::path(path).parent_path().string();
  std::vector<mapping_test> out;
  for (const value& table : tests->children)
    out.push_back(test_reader(table, directory, findings).read());
  return out;
}

void check_sources(const std::vector<mapping_test>& tests,
                   const std::vector<source_config>& sources, std::vector<finding>& findings) {
  std::vector<std::string> names;
  for (const source_config& source : sources) names.push_back(source.name);
  for (const mapping_test& test : tests) {
    if (test.source.empty()) continue;
    if (std::find(names.begin(), names.end(), test.source) != names.end()) continue;
    std::string message = "there is no source \"" + test.source + '"';
    if (const std::string meant = nearest_word(test.source, names); !meant.empty()) {
      message += "; did you mean \"" + meant + "\"?";
    } else {
      message += "; there are:";
      for (const std::string& name : names) message += (name == names[0] ? " " : ", ") + name;
    }
    findings.push_back({severity::error, "unknown_source", message, test.source_at});
  }
}

}  // namespace nexus::config
