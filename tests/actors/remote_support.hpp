// The other side of a remote destination: in this process, or in one of its own.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <caf/all.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/destination_actor.hpp"
#include "actors/publish_destination.hpp"
#include "actors/remote_destination.hpp"
#include "tests/actors/scripted_destination.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/standstill.hpp"

extern char** environ;

namespace nexus::test {

inline const std::string good_secret = "a secret of two sides";

/// A destination on the loopback, published by an actor system of this process.
class published {
 public:
  explicit published(std::shared_ptr<script> what, actors::publish_options how = {})
      : system_(actors::networking(config_)),
        target_(actors::spawn_destination_actor(
            system_, {"published", std::make_shared<scripted_destination>(std::move(what)),
                      core::make_null_logger()})) {
    if (how.secret.empty()) how.secret = good_secret;
    auto port = actors::publish_destination(system_, target_, how);
    if (!port) FAIL(port.reason().text);
    port_ = *port;
  }
  ~published() { end(); }

  std::uint16_t port() const { return port_; }
  /// Ends the destination actor, and waits until it has.
  void end() {
    if (!target_) return;
    caf::scoped_actor self{system_};
    self->send_exit(target_, caf::exit_reason::user_shutdown);
    self->wait_for(target_);
    target_ = nullptr;
  }

 private:
  caf::actor_system_config config_;
  caf::actor_system system_;
  actors::destination_actor target_;
  std::uint16_t port_ = 0;
};

/// A process that runs remote_peer.cpp.
class peer {
 public:
  peer(std::string port, std::string secret, std::string file, const actors::tls_files& tls = {}) {
    std::vector<std::string> words = {NEXUS_REMOTE_PEER, std::move(port), std::move(secret),
                                      std::move(file)};
    if (tls.any()) words.insert(words.end(), {tls.ca, tls.certificate, tls.key});
    int in[2];
    int out[2];
    REQUIRE(::pipe2(in, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const int failed =
        ::posix_spawn(&pid_, arguments[0], &files, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    ::close(in[0]);
    ::close(out[1]);
    in_ = in[1];
    REQUIRE(failed == 0);
    for (char byte = 0; ::read(out[0], &byte, 1) == 1 && byte != '\n';) port_ += byte;
    ::close(out[0]);
    REQUIRE_FALSE(port_.empty());
  }
  ~peer() {
    kill(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(in_);
  }
  peer(const peer&) = delete;
  peer& operator=(const peer&) = delete;

  const std::string& port() const { return port_; }
  void kill(int signal) const { ::kill(pid_, signal); }
  void pause() const { bring_to_standstill(pid_); }

 private:
  pid_t pid_ = -1;
  int in_ = -1;  ///< It ends when this does, whatever happens to us.
  std::string port_;
};

/// An instance of the type "actor".
inline std::unique_ptr<destinations::destination> connect_to(
    const std::string& port, const std::string& secret = good_secret,
    std::chrono::milliseconds timeout = std::chrono::seconds(60),
    const actors::tls_files& tls = {}) {
  destinations::settings how;
  how.name = "d";
  how.type = actors::remote_type_name;
  how.timeout = timeout;
  how.values = {{"host", "127.0.0.1"}, {"port", port}};
  if (!secret.empty()) how.values["secret"] = secret;
  if (tls.any()) {
    how.values.insert({{"ca_file", tls.ca}, {"cert_file", tls.certificate}, {"key_file", tls.key}});
  }
  auto made = actors::remote_type().make(how);
  if (!made) FAIL(made.reason().text);
  return *std::move(made);
}

/// The kind and reason of the one outcome of one entry.
inline outcome deliver_one(destinations::destination& to, const core::entry_ptr& what) {
  const std::vector<core::entry_ptr> batch = {what};
  auto given = to.deliver(batch);
  REQUIRE(given.size() == 1);
  return given[0];
}

}  // namespace nexus::test
