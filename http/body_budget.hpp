// Bounds the memory that the bodies of all requests take together, from their first byte to the
// answer.
#pragma once

#include <cstddef>
#include <functional>
#include <list>

namespace nexus::http {

/// Shares of one sum. Who finds no room stands in line; whoever gives back serves the line, first
/// come first served.
///
/// Bodies that are half there must not wait for one another for good: one of them at a time, the
/// one that has waited longest, is favoured and may go beyond the sum until its share ends. So at
/// most the sum and one body are taken; and a body that alone is larger than the sum comes through.
///
/// I/O thread only.
class body_budget {
 public:
  class share;

  explicit body_budget(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  body_budget(const body_budget&) = delete;
  body_budget& operator=(const body_budget&) = delete;

  /// May be above the sum, see above.
  std::size_t taken() const noexcept { return taken_; }

 private:
  bool fits(const share& who, std::size_t bytes) const;
  void serve_line();

  std::size_t bytes_max_;
  std::size_t taken_ = 0;
  share* favoured_ = nullptr;
  std::list<share*> line_;
};

/// What one request has of it; given back on destruction.
class body_budget::share {
 public:
  /// `on_room` is called, from within another share's call, when this one comes to have what it
  /// stood in line for. The budget must outlive the share.
  share(body_budget& of, std::function<void()> on_room)
      : budget_(of), on_room_(std::move(on_room)) {}
  ~share();
  share(const share&) = delete;
  share& operator=(const share&) = delete;

  /// Raises the share to `bytes`. False: it stands in line for that now.
  bool grow(std::size_t bytes);
  /// Lowers it to `bytes`; one that is not larger stays as it is.
  void shrink(std::size_t bytes);

 private:
  friend class body_budget;

  body_budget& budget_;
  std::function<void()> on_room_;
  std::size_t bytes_ = 0;
  std::size_t wanted_ = 0;  ///< above `bytes_`: it stands in line
  std::list<share*>::iterator place_;
};

}  // namespace nexus::http
