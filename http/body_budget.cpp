#include "http/body_budget.hpp"

namespace nexus::http {

bool body_budget::fits(const share& who, std::size_t bytes) const {
  if (&who == favoured_) return true;
  const std::size_t left = bytes_max_ > taken_ ? bytes_max_ - taken_ : 0;
  return bytes - who.bytes_ <= left;
}

void body_budget::serve_line() {
  while (!line_.empty()) {
    share& first = *line_.front();
    if (!fits(first, first.wanted_)) {
      if (favoured_ != nullptr) return;
      favoured_ = &first;
    }
    line_.pop_front();
    taken_ += first.wanted_ - first.bytes_;
    first.bytes_ = first.wanted_;
    first.on_room_();
  }
}

body_budget::share::~share() {
  if (wanted_ > bytes_) budget_.line_.erase(place_);
  if (budget_.favoured_ == this) budget_.favoured_ = nullptr;
  budget_.taken_ -= bytes_;
  budget_.serve_line();
}

bool body_budget::share::grow(std::size_t bytes) {
  if (bytes <= bytes_) return true;
  wanted_ = bytes;
  const bool first = budget_.line_.empty() || budget_.favoured_ == this;
  const bool fits = first && budget_.fits(*this, bytes);
  if (!fits && budget_.favoured_ != nullptr) {
    place_ = budget_.line_.insert(budget_.line_.end(), this);
    return false;
  }
  // Somebody is favoured as long as there is a line, so nobody stands in one here.
  if (!fits) budget_.favoured_ = this;
  budget_.taken_ += bytes - bytes_;
  bytes_ = bytes;
  return true;
}

void body_budget::share::shrink(std::size_t bytes) {
  if (bytes >= bytes_) return;
  budget_.taken_ -= bytes_ - bytes;
  bytes_ = wanted_ = bytes;
  budget_.serve_line();
}

}  // namespace nexus::http
