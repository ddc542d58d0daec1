// A destination that does what a test says, and a registry that knows it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/entry.hpp"
#include "destinations/registry.hpp"

namespace nexus::test {

using destinations::outcome;
using destinations::outcome_kind;
using batch_view = std::span<const core::entry_ptr>;
using outcomes = std::vector<outcome>;

inline outcomes all(batch_view batch, outcome_kind kind, const std::string& reason = "scripted") {
  return outcomes(batch.size(), outcome{kind, kind == outcome_kind::delivered ? "" : reason, {}});
}

/// What one destination has seen and shall do; shared by its instances. Any thread.
class script {
 public:
  using step = std::function<outcomes(std::size_t call, batch_view batch)>;

  explicit script(step what = [](std::size_t,
                                 batch_view b) { return all(b, outcome_kind::delivered); })
      : step_(std::move(what)) {}

  outcomes run(batch_view batch) {
    std::size_t call = 0;
    {
      std::lock_guard lock(mutex_);
      call = ++calls_;
      changed_.notify_all();
    }
    auto answer = step_(call, batch);
    std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < answer.size() && i < batch.size(); ++i) {
      if (answer[i].kind == outcome_kind::delivered) delivered_.push_back(*batch[i]);
    }
    changed_.notify_all();
    return answer;
  }

  /// Set before the destination is used.
  core::result<void> ping_answer;
  std::function<void()> on_ping = [] {};

  /// Waits until `count` entries have been delivered, or calls made; false if that takes too long.
  bool wait_delivered(std::size_t count) {
    return wait([&] { return delivered_.size() >= count; });
  }
  bool wait_calls(std::size_t count) {
    return wait([&] { return calls_ >= count; });
  }
  std::vector<core::entry> delivered() const {
    std::lock_guard lock(mutex_);
    return delivered_;
  }
  std::vector<std::string> delivered_ids() const {
    std::vector<std::string> ids;
    for (const auto& one : delivered()) ids.push_back(one.payload_id);
    return ids;
  }

 private:
  template <class Condition>
  bool wait(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(120), condition);
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  step step_;
  std::size_t calls_ = 0;
  std::vector<core::entry> delivered_;
};

class scripted_destination final : public destinations::destination {
 public:
  explicit scripted_destination(std::shared_ptr<script> what) : script_(std::move(what)) {}
  outcomes deliver(batch_view batch) override { return script_->run(batch); }
  core::result<void> ping() override {
    script_->on_ping();
    return script_->ping_answer;
  }

 private:
  std::shared_ptr<script> script_;
};

/// Makes destinations of type "scripted"; their name chooses the script.
inline void add_scripted(destinations::registry& types,
                         std::map<std::string, std::shared_ptr<script>> scripts) {
  destinations::type_info info;
  info.make = [scripts = std::move(scripts)](const destinations::settings& how)
      -> core::result<std::unique_ptr<destinations::destination>> {
    const auto found = scripts.find(how.name);
    if (found == scripts.end()) return core::error{core::errc::bad_config, "no script"};
    return std::unique_ptr<destinations::destination>(
        std::make_unique<scripted_destination>(found->second));
  };
  info.in_order = true;
  types.add("scripted", std::move(info));
}

/// A gate that calls of a destination wait at.
class gate {
 public:
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

inline core::entry_ptr make_entry(const std::string& id, const std::string& destination = "d") {
  core::entry value;
  value.payload_id = id;
  value.source = "s";
  value.destination = destination;
  value.payload = R"({"n":")" + id + R"("})";
  return std::make_shared<const core::entry>(std::move(value));
}

}  // namespace nexus::test
