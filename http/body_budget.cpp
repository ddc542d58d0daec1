#include "http/body_budget.hpp"

#include <utility>

namespace nexus::http {
namespace {

bool has_room(std::size_t taken, std::size_t more, std::size_t bytes_max) {
  return taken <= bytes_max && more <= bytes_max - taken;
}

}  // namespace

bool body_budget::fits_client(const share& who) const {
  const client& whose = who.client_.second;
  // Whoever is favoured by all holds up everybody, and so must not wait for anybody.
  if (&who == whose.favoured || &who == favoured_) return true;
  return has_room(whose.taken, who.more(), client_bytes_max_);
}

bool body_budget::fits(const share& who) const {
  return &who == favoured_ || has_room(taken_, who.more(), bytes_max_);
}

void body_budget::take_for_client(share& who) {
  client& whose = who.client_.second;
  if (!fits_client(who)) whose.favoured = &who;
  whose.taken += who.more();
}

void body_budget::take(share& who) {
  if (!fits(who)) favoured_ = &who;
  taken_ += who.more();
  who.bytes_ = who.wanted_;
}

/// False: it stands in the line of its client.
bool body_budget::pass_client(share& who) {
  client& whose = who.client_.second;
  const bool goes_first = whose.line.empty() || &who == whose.favoured || &who == favoured_;
  // Somebody is favoured as long as there is a line.
  if (whose.favoured != nullptr && !(goes_first && fits_client(who))) {
    who.line_ = &whose.line;
    who.place_ = whose.line.insert(whose.line.end(), &who);
    return false;
  }
  take_for_client(who);
  return true;
}

/// False: it stands in the line of all.
bool body_budget::pass(share& who) {
  const bool goes_first = line_.empty() || &who == favoured_;
  if (favoured_ != nullptr && !(goes_first && fits(who))) {
    who.line_ = &line_;
    who.place_ = line_.insert(line_.end(), &who);
    return false;
  }
  take(who);
  return true;
}

void body_budget::serve_client(client& whose) {
  while (!whose.line.empty()) {
    share& first = *whose.line.front();
    if (!fits_client(first) && whose.favoured != nullptr) return;
    whose.line.pop_front();
    first.line_ = nullptr;
    take_for_client(first);
    if (pass(first)) first.on_room_();
  }
}

void body_budget::serve_all() {
  while (!line_.empty()) {
    share& first = *line_.front();
    if (!fits(first) && favoured_ != nullptr) return;
    line_.pop_front();
    first.line_ = nullptr;
    take(first);
    first.on_room_();
  }
}

body_budget::share::share(body_budget& of, const std::string& client, std::function<void()> on_room)
    : budget_(of), client_(*of.clients_.try_emplace(client).first), on_room_(std::move(on_room)) {
  ++client_.second.shares;
}

body_budget::share::~share() {
  client& whose = client_.second;
  if (line_ != nullptr) line_->erase(place_);
  whose.taken -= line_ == &budget_.line_ ? wanted_ : bytes_;
  budget_.taken_ -= bytes_;
  if (whose.favoured == this) whose.favoured = nullptr;
  if (budget_.favoured_ == this) budget_.favoured_ = nullptr;
  budget_.serve_all();
  budget_.serve_client(whose);
  if (--whose.shares == 0) budget_.clients_.erase(client_.first);
}

bool body_budget::share::grow(std::size_t bytes) {
  if (bytes <= bytes_) return true;
  wanted_ = bytes;
  return budget_.pass_client(*this) && budget_.pass(*this);
}

void body_budget::share::shrink(std::size_t bytes) {
  if (bytes >= bytes_) return;
  client_.second.taken -= bytes_ - bytes;
  budget_.taken_ -= bytes_ - bytes;
  bytes_ = wanted_ = bytes;
  budget_.serve_all();
  budget_.serve_client(client_.second);
}

}  // namespace nexus::http
