// Typed reading of one document: defaults, ranges, references, and complaints that know their
// place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.hpp"
#include "config/secret.hpp"

namespace nexus::config {

/// What a reference leads to, and where the reference stands.
struct placed_bytes {
  secret bytes;
  location at;
};

/// Paths are dotted, from the top of the document. A value of the wrong type counts as absent:
/// check_keys has reported it by then. The document and the findings must outlive this object.
class fields {
 public:
  fields(const value& document, std::vector<finding>& findings)
      : document_(document), findings_(findings) {}

  bool has(std::string_view path) const { return document_.find(path) != nullptr; }
  const value* find(std::string_view path) const { return document_.find(path); }
  /// Where to point at when speaking of `path`: its key, or the innermost table around it that is
  /// in the file.
  location where(std::string_view path) const;

  std::string text(std::string_view path, const std::string& when_empty = {}) const;
  /// Lower case, white space around it removed: for values that are one of a few words.
  std::string word(std::string_view path) const;
  bool flag(std::string_view path, bool when_absent) const;
  std::vector<std::string> list(std::string_view path) const;
  std::int64_t integer(std::string_view path, std::int64_t when_absent) const;
  double number(std::string_view path, double when_absent) const;
  /// Zero and less mean `when_not_positive`; above `most`, and else below `least`, is an error,
  /// `out_of_range`.
  std::int64_t positive(std::string_view path, std::int64_t when_not_positive, std::int64_t most,
                        std::int64_t least = 1);
  /// The same for a duration; `most` in its unit.
  template <class Duration>
  Duration duration(std::string_view path, Duration when_not_positive, std::int64_t most) {
    return Duration(positive(path, when_not_positive.count(), most));
  }
  /// Resolves a reference. An error (`unresolved_reference`) if its file cannot be read; empty if
  /// there is nothing. A literal that looks like a path gets a warning, `literal_path`.
  secret key(std::string_view path);
  /// As `key`, but nothing is an error, `code`.
  secret required_key(std::string_view path, const char* code);
  /// The same for a member of a table, `name` being its whole path: one that a dotted path would
  /// not find where a dot is part of its own name.
  secret required_key(const value& member, const std::string& name, const char* code);
  /// What the reference, or each of a list of references, leads to, byte for byte. Those whose file
  /// cannot be read are left out and reported (`unresolved_reference`).
  std::vector<placed_bytes> referenced(std::string_view path);
  /// Says of a key that leads to nothing why, and what to do.
  std::string why_empty(std::string_view path) const;
  /// Reads a path; `when_empty` where there is none. Error `bad_path`.
  std::string absolute(std::string_view path, const std::string& when_empty);

  /// Adds a validation error (its text begins with SCHEMA_ERROR) or a warning about `path`.
  void fail(const char* code, std::string_view path, const std::string& message);
  void fail(const char* code, const location& at, const std::string& message);
  void warn(const char* code, std::string_view path, const std::string& message);
  void warn(const char* code, const location& at, const std::string& message);
  /// Whether an error has been found by now, here or before.
  bool failed() const { return has_errors(findings_); }

 private:
  /// Nothing if that failed and has been reported.
  std::optional<secret> resolve(std::string_view path, const std::string& reference,
                                const location& at);
  /// Warns of a literal that looks like a path.
  void check_literal_path(std::string_view path, const std::string& reference, const location& at);

  const value& document_;
  std::vector<finding>& findings_;
};

/// The words for people, with commas between them.
std::string listed(const std::vector<std::string>& words);

}  // namespace nexus::config
