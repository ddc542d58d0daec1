#include "tests/proof/clients.hpp"

#include <chrono>
#include <utility>

namespace nexus::proof {

namespace {

constexpr std::chrono::minutes patience{1};

}  // namespace

clients::~clients() {
  finish();
}

void clients::begin(const cli::child_server& server, std::size_t count) {
  finishing_ = false;
  running_ = count;
  for (std::size_t i = 0; i < count; ++i) {
    threads_.emplace_back(
        [this, host = server.host(), port = server.port()] { run_client(host, port); });
  }
}

bool clients::wait_for(std::size_t accepted) {
  std::unique_lock lock(mutex_);
  const auto enough = accepted_count_ + accepted;
  changed_.wait_for(lock, patience, [&] { return running_ == 0 || accepted_count_ >= enough; });
  return accepted_count_ >= enough;
}

bool clients::wait_for_refusal(const std::string& code) {
  std::unique_lock lock(mutex_);
  const auto before = refused_[code];
  changed_.wait_for(lock, patience, [&] { return running_ == 0 || refused_[code] > before; });
  return refused_[code] > before;
}

void clients::wait_for_end() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return running_ == 0; });
}

void clients::finish() {
  finishing_ = true;
  for (auto& one : threads_) one.join();
  threads_.clear();
}

bool clients::settle(const cli::child_server& server) {
  cli::http_client client(server.host(), server.port());
  for (auto& one : std::exchange(open_, {})) {
    if (!send(client, one)) return false;
  }
  return open_.empty();
}

void clients::run_client(std::string host, std::uint16_t port) {
  cli::http_client client(std::move(host), port);
  while (!finishing_) {
    auto one = next_request();
    if (!send(client, one)) break;
  }
  const std::lock_guard lock(mutex_);
  --running_;
  changed_.notify_all();
}

clients::open_request clients::next_request() {
  const std::lock_guard lock(mutex_);
  if (!open_.empty()) {
    auto one = std::move(open_.back());
    open_.pop_back();
    return one;
  }
  constexpr unsigned again_in = 16;
  if (!accepted_.empty() && random_() % again_in == 0) {
    ++repeated_;
    return accepted_[random_() % accepted_.size()];
  }
  return new_request();
}

clients::open_request clients::new_request() {
  constexpr unsigned batch_in = 8, batch_size = 3, text_max = 3000;
  const std::string name = "request " + std::to_string(++made_);
  open_request one{{name, {}}, 0};
  const unsigned count = random_() % batch_in == 0 ? batch_size : 1;
  for (unsigned i = 0; i < count; ++i) {
    one.what.contents.push_back(name + "." + std::to_string(i) + " <é😀> \"quoted\" \\ \n\t 'x' " +
                                std::string(random_() % text_max, 'n'));
  }
  book_.sent.insert(one.what.contents.begin(), one.what.contents.end());
  return one;
}

bool clients::send(cli::http_client& client, open_request& one) {
  ++one.attempts;
  const auto outcome = send_write(client, one.what, std::to_string(one.attempts));
  const std::lock_guard lock(mutex_);
  keep(one, outcome);
  return outcome.what != fate::lost;
}

void clients::keep(const open_request& one, const write_outcome& outcome) {
  const auto known = book_.acknowledged.size();
  const bool fits = enter(book_, one.what, outcome);
  const bool new_ids = book_.acknowledged.size() > known;
  if (outcome.what == fate::wrong || !fits || (one.was_accepted && new_ids)) {
    complaints_.push_back(one.what.key + ": " + outcome.answer);
  }
  if (outcome.what == fate::refused) {
    ++refused_[outcome.code];
    changed_.notify_all();
  }
  if (outcome.what != fate::accepted) {
    open_.push_back(one);
    return;
  }
  ++accepted_count_;
  changed_.notify_all();
  if (one.was_accepted) return;
  if (one.attempts > 1) {
    for (const auto& each : outcome.ids) {
      accepted_late_.emplace(each.second, std::to_string(one.attempts));
    }
  }
  constexpr std::size_t kept_max = 256;
  if (accepted_.size() >= kept_max) accepted_.erase(accepted_.begin());
  accepted_.push_back({one.what, one.attempts, true});
}

}  // namespace nexus::proof
