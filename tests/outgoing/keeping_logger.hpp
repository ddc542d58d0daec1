#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "core/log.hpp"

namespace nexus::test {

/// Keeps what is logged.
class keeping_logger final : public core::logger {
 public:
  void write(core::log_level, std::string_view text) override {
    const std::lock_guard lock(mutex_);
    text_ += text;
    text_ += '\n';
  }
  void set_level(core::log_level) override {}
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

}  // namespace nexus::test
