// Whose request is read next, when many are there at once. Not a public header: it names Asio's
// types.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "http/session_ptr.hpp"

namespace nexus::http {

/// Clients take turns: between two looks at the sockets each of them gets so many reads, however
/// many connections it has; its other sessions wait in a line of its own. So what a client sends in
/// one burst delays another one by a round, not by the burst. A client that is alone is not slowed
/// down: the next round begins at once. I/O thread only.
class turns {
 public:
  static constexpr std::size_t reads_per_round = 16;

  /// The sessions of one client.
  struct line {
    std::size_t sessions = 0;
    std::uint64_t round = 0;  ///< the one that `taken` counts in
    std::size_t taken = 0;
    std::deque<session_ptr> waiting;
  };

  explicit turns(boost::asio::io_context& context) : context_(context) {}

  /// For one session; leave() with the same client ends it. The line stays where it is meanwhile.
  line& enter(const std::string& client);
  void leave(const std::string& client);

  /// True: go on. False: session::on_turn is called in one of the next rounds.
  bool take(line& of, const session_ptr& who);
  /// Forgets everybody who waits.
  void clear();

 private:
  void begin_round_later();
  void begin_round();

  boost::asio::io_context& context_;
  std::unordered_map<std::string, line> lines_;
  std::vector<line*> crowded_;  ///< those in which somebody waits
  std::uint64_t round_ = 1;
  bool is_round_coming_ = false;
};

}  // namespace nexus::http
