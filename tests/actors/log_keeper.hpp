// A logger that remembers.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "core/log.hpp"

namespace nexus::test {

/// Keeps everything that is logged.
class log_keeper final : public core::logger {
 public:
  void write(core::log_level, std::string_view text) override {
    std::lock_guard lock(mutex_);
    text_ += text;
    text_ += '\n';
  }
  void set_level(core::log_level) override {}
  std::string text() const {
    std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

}  // namespace nexus::test
