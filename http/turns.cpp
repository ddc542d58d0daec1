#include "http/turns.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "http/session.hpp"

namespace nexus::http {

turns::line& turns::enter(const std::string& client) {
  auto& mine = lines_[client];
  ++mine.sessions;
  return mine;
}

void turns::leave(const std::string& client) {
  const auto found = lines_.find(client);
  if (--found->second.sessions > 0) return;
  std::erase(crowded_, &found->second);
  lines_.erase(found);
}

bool turns::take(line& of, const session_ptr& who) {
  begin_round_later();
  if (std::exchange(of.round, round_) != round_) of.taken = 0;
  if (of.waiting.empty() && of.taken < reads_per_round) return ++of.taken, true;
  if (of.waiting.empty()) crowded_.push_back(&of);
  of.waiting.push_back(who);
  return false;
}

void turns::clear() {
  for (auto* each : crowded_) each->waiting.clear();
  crowded_.clear();
}

void turns::begin_round_later() {
  if (std::exchange(is_round_coming_, true)) return;
  boost::asio::post(context_, [this] { begin_round(); });
}

void turns::begin_round() {
  is_round_coming_ = false;
  ++round_;
  // Apart: a session may end its client's line, or stand in line again.
  std::vector<session_ptr> chosen;
  for (auto* each : crowded_) {
    each->round = round_;
    each->taken = std::min(each->waiting.size(), reads_per_round);
    for (std::size_t i = 0; i < each->taken; ++i) {
      chosen.push_back(std::move(each->waiting.front()));
      each->waiting.pop_front();
    }
  }
  std::erase_if(crowded_, [](const line* each) { return each->waiting.empty(); });
  if (!crowded_.empty()) begin_round_later();
  for (const auto& each : chosen) each->on_turn();
}

}  // namespace nexus::http
