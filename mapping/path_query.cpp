#include "core/json_text.hpp"
#include "mapping/path_search.hpp"
#include "mapping/value_text.hpp"
#include "mapping/wildcard.hpp"

namespace nexus::mapping {
namespace {

template <class Value>
bool compare(comparison how, const Value& left, const Value& right) {
  switch (how) {
    case comparison::equal:
      return left == right;
    case comparison::not_equal:
      return left != right;
    case comparison::less:
      return left < right;
    case comparison::less_equal:
      return left <= right;
    case comparison::greater:
      return left > right;
    case comparison::greater_equal:
      return left >= right;
    case comparison::exists:
    case comparison::like:
    case comparison::not_like:
      break;
  }
  return false;
}

bool compare_text(comparison how, const std::string& left, const std::string& right) {
  if (how == comparison::like) return fits_pattern(left, right);
  if (how == comparison::not_like) return !fits_pattern(left, right);
  return compare(how, left, right);
}

/// false comes before true, and nothing else is comparable with them.
bool compare_truth(comparison how, bool left, std::string_view right) {
  switch (how) {
    case comparison::equal:
      return right == (left ? "true" : "false");
    case comparison::not_equal:
      return right != (left ? "true" : "false");
    case comparison::less:
      return !left && right == "true";
    case comparison::greater:
      return left && right == "false";
    case comparison::less_equal:
      return !left;
    case comparison::greater_equal:
      return left;
    case comparison::exists:
    case comparison::like:
    case comparison::not_like:
      break;
  }
  return false;
}

bool passes(truth_test test, const found_value& left) {
  switch (test) {
    case truth_test::exists:
      return left.exists();
    case truth_test::null:
      return !left.exists() || core::json::kind_of(left.raw()) == core::json::kind::null;
    case truth_test::yes:
      return left.exists() && is_trueish(left.raw());
    case truth_test::no:
      return !left.exists() || is_falseish(left.raw());
    case truth_test::none:
      break;
  }
  return false;
}

bool is_container(std::string_view raw) {
  const auto kind = core::json::kind_of(raw);
  return kind == core::json::kind::object || kind == core::json::kind::array;
}

}  // namespace

// null, arrays and objects compare with nothing.
bool fulfils(const query_condition& asked, std::string_view element) {
  const bool inside = is_container(element);
  if (!inside && !asked.on_element) return false;
  const auto left = inside ? run_path(*asked.left, element) : found_value(element);
  if (asked.test != truth_test::none)
    return compare_truth(asked.how, passes(asked.test, left), "true");
  if (!left.exists()) return false;
  if (asked.how == comparison::exists) return true;
  switch (core::json::kind_of(left.raw())) {
    case core::json::kind::string:
      return compare_text(asked.how, core::json::unquote(left.raw()), asked.right);
    case core::json::kind::number:
      return compare(asked.how, parse_number(left.raw()), asked.right_number);
    case core::json::kind::boolean:
      return compare_truth(asked.how, left.raw() == "true", asked.right);
    case core::json::kind::null:
    case core::json::kind::array:
    case core::json::kind::object:
      break;
  }
  return false;
}

}  // namespace nexus::mapping
