// Bounds the memory that the bodies of all requests take together, from their first byte to the
// answer.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

namespace nexus::http {

/// Shares of one sum, of which one client may have half. Who finds no room stands in line, first
/// behind the others of the same client and then behind those of all clients; whoever gives back
/// serves the lines, first come first served.
///
/// Bodies that are half there must not wait for one another for good: one of each client at a time,
/// the one that has waited longest, is favoured and may go beyond the client's half until its share
/// ends, and one of all of them may go beyond the sum. So at most the sum and one body are taken,
/// by one client at most half of it and two bodies; and a body that alone is larger than the sum
/// comes through.
///
/// It remembers only clients that have shares. I/O thread only.
class body_budget {
 public:
  class share;

  explicit body_budget(std::size_t bytes_max)
      : bytes_max_(bytes_max), client_bytes_max_(bytes_max / 2) {}
  body_budget(const body_budget&) = delete;
  body_budget& operator=(const body_budget&) = delete;

  /// May be above the sum, see above.
  std::size_t taken() const noexcept { return taken_; }
  std::size_t clients() const noexcept { return clients_.size(); }

 private:
  struct client {
    std::size_t shares = 0;
    std::size_t taken = 0;  ///< also what stands in the line of all
    share* favoured = nullptr;
    std::list<share*> line;
  };

  /// A share goes past the line of its client, and then past that of all.
  bool fits_client(const share& who) const;
  bool fits(const share& who) const;
  bool pass_client(share& who);
  bool pass(share& who);
  void take_for_client(share& who);
  void take(share& who);
  void serve_client(client& whose);
  void serve_all();

  std::size_t bytes_max_;
  std::size_t client_bytes_max_;
  std::size_t taken_ = 0;
  share* favoured_ = nullptr;
  std::list<share*> line_;
  std::unordered_map<std::string, client> clients_;  ///< none is without shares
};

/// What one request has of it; given back on destruction.
class body_budget::share {
 public:
  /// `client`: whose it is. `on_room` is called, from within another share's call, when this one
  /// comes to have what it stood in line for; no share may end meanwhile. The budget must outlive
  /// the share.
  share(body_budget& of, const std::string& client, std::function<void()> on_room);
  ~share();
  share(const share&) = delete;
  share& operator=(const share&) = delete;

  /// Raises the share to `bytes`. False: it stands in line for that now.
  bool grow(std::size_t bytes);
  /// Lowers it to `bytes`; one that is not larger stays as it is.
  void shrink(std::size_t bytes);

 private:
  friend class body_budget;

  std::size_t more() const noexcept { return wanted_ - bytes_; }

  body_budget& budget_;
  std::pair<const std::string, client>& client_;
  std::function<void()> on_room_;
  std::size_t bytes_ = 0;
  std::size_t wanted_ = 0;             ///< above `bytes_`: it stands in line
  std::list<share*>* line_ = nullptr;  ///< the one that it stands in
  std::list<share*>::iterator place_;
};

}  // namespace nexus::http
