#include "tests/proof/states/promises.hpp"

#include <algorithm>
#include <set>

namespace nexus::test {

std::vector<std::string> promises::all(fate which) const {
  std::vector<std::string> found;
  std::set<std::string> seen;
  for (const auto& id : order_)
    if (last(id) == which && seen.insert(id).second) found.push_back(id);
  return found;
}

bool promises::life::may_be(std::size_t pending, std::size_t dead, bool out_of_order) const {
  const auto first = steps.begin() + static_cast<std::ptrdiff_t>(kept);
  if (out_of_order && pending == 2 && dead == 0)
    return std::count(first, steps.end(), fate::pending) > 1;
  return std::any_of(first, steps.end(), [&](fate is) {
    const bool waits = is == fate::pending || is == fate::resent;
    const bool has_failed = is == fate::dead || is == fate::resent;
    return pending == (waits ? 1U : 0U) && dead == (has_failed ? 1U : 0U);
  });
}

std::string promises::breach(const log_view& shown, bool out_of_order) const {
  std::map<std::string, std::size_t> pending, dead;
  for (const auto& id : shown.pending) ++pending[id];
  for (const auto& id : shown.dead) ++dead[id];
  for (const auto& counts : {pending, dead})
    for (const auto& [id, count] : counts)
      if (!lives_.contains(id)) return id + " was never appended";
  for (const auto& [id, one] : lives_)
    if (!one.may_be(pending[id], dead[id], out_of_order))
      return id + " is pending " + std::to_string(pending[id]) + " times and a dead letter " +
             std::to_string(dead[id]) + " times";
  auto next = order_.begin();
  for (const auto& id : shown.pending) {
    next = std::find(next, order_.end(), id);
    if (next == order_.end()) return id + " is out of order";
    ++next;
  }
  return {};
}

}  // namespace nexus::test
