// result<T>: a value or a core::error. Home-made because C++20 has no std::expected, Debian
// packages none, and Boost's result is not [[nodiscard]]: a dropped error must not compile.
#pragma once

#include <cstdlib>
#include <optional>
#include <utility>
#include <variant>

#include "core/error.hpp"

namespace nexus::core {

/// A value of type T, or the reason why there is none. Reading the wrong side aborts.
template <class T>
class [[nodiscard]] result {
 public:
  result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  result(error reason) : content_(std::in_place_index<1>, std::move(reason)) {}

  bool ok() const noexcept { return content_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  T& operator*() & { return checked(); }
  const T& operator*() const& { return const_cast<result*>(this)->checked(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &const_cast<result*>(this)->checked(); }

  const error& reason() const& {
    if (ok()) std::abort();
    return *std::get_if<1>(&content_);
  }
  error&& reason() && {
    if (ok()) std::abort();
    return std::move(*std::get_if<1>(&content_));
  }

 private:
  T& checked() {
    if (!ok()) std::abort();
    return *std::get_if<0>(&content_);
  }

  std::variant<T, error> content_;
};

/// Success, or the reason why not.
template <>
class [[nodiscard]] result<void> {
 public:
  result() = default;
  result(error reason) : reason_(std::move(reason)) {}

  bool ok() const noexcept { return !reason_; }
  explicit operator bool() const noexcept { return ok(); }

  const error& reason() const& {
    if (!reason_) std::abort();
    return *reason_;
  }
  error&& reason() && {
    if (!reason_) std::abort();
    return std::move(*reason_);
  }

 private:
  std::optional<error> reason_;
};

}  // namespace nexus::core
