#include "audit/tally.hpp"

#include <algorithm>

namespace nexus::audit {
namespace {

/// Clients choose their actor ids: more than so many are not told apart.
constexpr std::size_t names_max = 100'000;
constexpr std::size_t top_names = 10;

name_counts most(const std::map<std::string, std::uint64_t>& from, std::size_t limit) {
  name_counts out(from.begin(), from.end());
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  out.resize(std::min(out.size(), limit));
  return out;
}

}  // namespace

void tally::count(counts& in, const std::string& name) {
  if (name.empty()) return;
  if (const auto found = in.find(name); found != in.end())
    ++found->second;
  else if (in.size() < names_max)
    in.emplace(name, 1);
}

void tally::add(const record& one) {
  ++total_;
  if (one.policy_decision == "DENIED") ++denied_;
  first_ = std::min(first_, one.timestamp);
  last_ = std::max(last_, one.timestamp);
  count(sources_, one.source);
  count(actors_, one.actor_id);
  count(operations_, one.operation);
  count(decisions_, one.policy_decision);
}

statistics tally::result() const {
  statistics out;
  out.total = total_;
  out.denied = denied_;
  if (total_ > 0) out.first = first_, out.last = last_;
  out.sources = most(sources_, top_names);
  out.actors = most(actors_, top_names);
  out.operations.assign(operations_.begin(), operations_.end());
  out.decisions.assign(decisions_.begin(), decisions_.end());
  return out;
}

}  // namespace nexus::audit
