// A destination in another process: what gets through, and what is said of one that does not
// answer.
#include "actors/remote_destination.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <caf/io/all.hpp>
#include <fstream>
#include <optional>
#include <thread>

#include "actors/handshake.hpp"
#include "actors/remote_door.hpp"
#include "tests/actors/remote_support.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> all;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

core::entry_ptr large_entry(const std::string& id) {
  auto value = *make_entry(id);
  value.payload = '"' + std::string(10 << 20, 'x') + '"';
  return std::make_shared<const core::entry>(std::move(value));
}

bool mentions(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

caf::behavior answer_with(caf::event_based_actor*, const std::string& words) {
  return {[words](const std::string&) { return words; }};
}

}  // namespace

TEST_CASE("every member of an entry arrives, and so does what exists answers") {
  auto what = std::make_shared<script>();
  published other(what);
  auto here = connect_to(std::to_string(other.port()));
  core::entry sent{2,      "p0",   "key", "PENDING",           "2026-01-02T03:04:05Z",   "s",   "d",
                   "subj", "user", "u1",  R"({"a":"\u00e4"})", R"(,"x":[1,{"y":null}])", "kind"};
  CHECK(here->ping().ok());
  CHECK(deliver_one(*here, std::make_shared<const core::entry>(sent)).kind ==
        outcome_kind::delivered);
  const auto got = what->delivered();
  REQUIRE(got.size() == 1);
  CHECK(got[0].version == sent.version);
  CHECK(got[0].payload_id == sent.payload_id);
  CHECK(got[0].idempotency_key == sent.idempotency_key);
  CHECK(got[0].status == sent.status);
  CHECK(got[0].timestamp == sent.timestamp);
  CHECK(got[0].source == sent.source);
  CHECK(got[0].destination == sent.destination);
  CHECK(got[0].subject == sent.subject);
  CHECK(got[0].actor_type == sent.actor_type);
  CHECK(got[0].actor_id == sent.actor_id);
  CHECK(got[0].payload == sent.payload);
  CHECK(got[0].extension == sent.extension);
  CHECK(got[0].entry_type == sent.entry_type);
  const std::vector<std::string> ids = {"p0", "p1"};
  const auto exists = here->exists(ids);
  REQUIRE_FALSE(exists.ok());  // the scripted destination cannot be asked
  CHECK(exists.reason().code == core::errc::unsupported);
}

TEST_CASE("large batches and payloads of 10 MB arrive") {
  auto what = std::make_shared<script>();
  published other(what);
  auto here = connect_to(std::to_string(other.port()));
  std::vector<core::entry_ptr> batch = {large_entry("large0"), large_entry("large1")};
  for (int i = 0; i < 1000; ++i) batch.push_back(make_entry("p" + std::to_string(i)));
  const auto given = here->deliver(batch);
  REQUIRE(given.size() == batch.size());
  const auto got = what->delivered();
  REQUIRE(got.size() == batch.size());
  CHECK(got[1].payload == batch[1]->payload);
  CHECK(got.back().payload_id == "p999");
}

TEST_CASE("outcomes come back as the other side gave them") {
  auto what = std::make_shared<script>([](std::size_t, batch_view) {
    return outcomes{{outcome_kind::transient, "busy", 250ms}, {outcome_kind::permanent, "no", {}}};
  });
  published other(what);
  auto here = connect_to(std::to_string(other.port()));
  const std::vector<core::entry_ptr> batch = {make_entry("p0"), make_entry("p1")};
  const auto given = here->deliver(batch);
  REQUIRE(given.size() == 2);
  CHECK(given[0].kind == outcome_kind::transient);
  CHECK(given[0].reason == "busy");
  CHECK(given[0].retry_after == 250ms);
  CHECK(given[1].kind == outcome_kind::permanent);
}

TEST_CASE(
    "a destination that throws over there leaves the entries pending, and the next are taken") {
  auto what = std::make_shared<script>([](std::size_t call, batch_view batch) {
    if (call == 1) throw std::runtime_error("scripted");
    return all(batch, outcome_kind::delivered);
  });
  published other(what);
  auto here = connect_to(std::to_string(other.port()));
  const auto first = deliver_one(*here, make_entry("p0"));
  CHECK(first.kind == outcome_kind::unreachable);
  CHECK(mentions(first.reason, "it threw: scripted"));
  CHECK(deliver_one(*here, make_entry("p0")).kind == outcome_kind::delivered);
}

TEST_CASE("what the other side's ping says is what ping says") {
  auto what = std::make_shared<script>();
  what->ping_answer = core::error{core::errc::bad_config, "scripted: no rights"};
  published other(what);
  const auto answer = connect_to(std::to_string(other.port()))->ping();
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.reason().code == core::errc::bad_config);
  CHECK(answer.reason().text == "scripted: no rights");
}

TEST_CASE("another secret, or none, is a fault of the configuration and delivers nothing") {
  auto what = std::make_shared<script>();
  published other(what);
  for (const std::string secret : {"another secret of 16", ""}) {
    auto here = connect_to(std::to_string(other.port()), secret);
    const auto refused = deliver_one(*here, make_entry("p0"));
    CHECK(refused.kind == outcome_kind::config_fault);
    CHECK(mentions(refused.reason, "does not know the secret"));
    CHECK_FALSE(mentions(refused.reason, "16"));
    const auto ping = here->ping();
    REQUIRE_FALSE(ping.ok());
    CHECK(ping.reason().code == core::errc::bad_config);
  }
  CHECK(what->delivered().empty());
}

TEST_CASE("the door takes no request without a pass of its own") {
  auto what = std::make_shared<script>();
  caf::actor_system_config config;
  caf::actor_system system{actors::networking(config)};
  auto target = actors::spawn_destination_actor(
      system, {"d", std::make_shared<scripted_destination>(what), core::make_null_logger()});
  const auto door = actors::spawn_remote_door(system, target, good_secret);
  caf::scoped_actor self{system};
  const auto nonce = actors::make_nonce();
  for (const auto& pass :
       {std::string{}, actors::make_pass(good_secret, nonce, actors::make_nonce())}) {
    bool refused = false;
    self->request(door, caf::infinite, actors::deliver_atom::value, pass,
                  actors::delivery{{make_entry("p0")}})
        .receive([](const actors::outcome_list&) {},
                 [&](const caf::error& why) {
                   refused = actors::from_caf(system, why).code == core::errc::bad_config;
                 });
    CHECK(refused);
  }
  CHECK(what->delivered().empty());
  self->send_exit(target, caf::exit_reason::user_shutdown);
}

TEST_CASE("a side that does not know the secret is found out by the other") {
  const auto client = actors::make_nonce();
  const auto door = actors::make_nonce();
  const auto proof = actors::door_proof(good_secret, client, door);
  CHECK(actors::is_door_proof(proof, good_secret, client, door));
  CHECK_FALSE(actors::is_door_proof(proof, "another secret of 16", client, door));
  CHECK_FALSE(actors::is_door_proof(proof, good_secret, actors::make_nonce(), door));
  const auto pass = actors::make_pass(good_secret, client, door);
  CHECK(actors::is_pass(pass, good_secret, door));
  CHECK_FALSE(actors::is_pass(pass, "another secret of 16", door));
  CHECK_FALSE(actors::is_pass(pass, good_secret, actors::make_nonce()));
  // The door's answer is no pass.
  CHECK_FALSE(actors::is_pass(client + proof, good_secret, door));
}

TEST_CASE("somebody else at the address is a fault of the configuration") {
  caf::actor_system_config config;
  caf::actor_system system{actors::networking(config)};
  const auto stranger = system.spawn(answer_with, std::string("what?"));
  const auto port = caf::io::publish(stranger, 0, "127.0.0.1");
  REQUIRE(port);
  auto here = connect_to(std::to_string(*port));
  const auto refused = deliver_one(*here, make_entry("p0"));
  CHECK(refused.kind == outcome_kind::config_fault);
  CHECK(mentions(refused.reason, "no destination"));
  caf::anon_send_exit(stranger, caf::exit_reason::user_shutdown);
}

TEST_CASE("a listener that never says a word is unreachable") {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&at), size) == 0);
  REQUIRE(::listen(fd, 8) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0);
  {
    auto here = connect_to(std::to_string(ntohs(at.sin_port)), good_secret, 500ms);
    CHECK(deliver_one(*here, make_entry("p0")).kind == outcome_kind::unreachable);
  }
  ::close(fd);
}

TEST_CASE("where nobody listens it is unreachable, and works as soon as somebody does") {
  auto what = std::make_shared<script>();
  auto first = std::make_unique<published>(what);
  const auto port = first->port();
  first.reset();
  auto here = connect_to(std::to_string(port));
  const auto refused = deliver_one(*here, make_entry("p0"));
  CHECK(refused.kind == outcome_kind::unreachable);
  CHECK(mentions(refused.reason, "refused"));
  published other(what, {.port = port});
  CHECK(deliver_one(*here, make_entry("p0")).kind == outcome_kind::delivered);
}

TEST_CASE("a destination actor that ends takes its port off the network") {
  auto what = std::make_shared<script>();
  published other(what);
  auto here = connect_to(std::to_string(other.port()));
  CHECK(deliver_one(*here, make_entry("p0")).kind == outcome_kind::delivered);
  other.end();
  CHECK(deliver_one(*here, make_entry("p1")).kind == outcome_kind::unreachable);
}

TEST_CASE("a process that is killed in mid-batch costs nothing, and its successor takes over") {
  temp_dir place;
  auto first = std::make_unique<peer>("0", good_secret, place / "ids");
  const auto port = first->port();
  auto here = connect_to(port);
  CHECK(deliver_one(*here, make_entry("p0")).kind == outcome_kind::delivered);

  auto hanging = *make_entry("p1");
  hanging.subject = "hang";
  const std::vector<core::entry_ptr> batch = {std::make_shared<const core::entry>(hanging),
                                              make_entry("p2")};
  std::thread killer([&] {
    while (lines_of(place / "ids").size() < 2) std::this_thread::yield();
    first->kill(SIGKILL);
  });
  const auto given = here->deliver(batch);
  killer.join();
  REQUIRE(given.size() == 2);
  CHECK(given[0].kind == outcome_kind::unreachable);
  CHECK(mentions(given[1].reason, "was lost"));

  peer second(port, good_secret, place / "ids");
  for (const auto* id : {"p1", "p2"}) {
    CHECK(deliver_one(*here, make_entry(id)).kind == outcome_kind::delivered);
  }
  CHECK(lines_of(place / "ids") == std::vector<std::string>{"p0", "p1", "p2"});
}

TEST_CASE("a process that stands still is unreachable, and is used again when it goes on") {
  temp_dir place;
  peer other("0", good_secret, place / "ids");
  auto here = connect_to(other.port(), good_secret, 1s);
  REQUIRE(deliver_one(*here, make_entry("p0")).kind == outcome_kind::delivered);
  other.pause();
  const auto hung = deliver_one(*here, large_entry("p1"));
  CHECK(hung.kind == outcome_kind::unreachable);
  CHECK(mentions(hung.reason, "no answer within"));
  const auto ping = here->ping();
  REQUIRE_FALSE(ping.ok());
  CHECK(ping.reason().code == core::errc::unreachable);
  other.kill(SIGCONT);
  auto patient = connect_to(other.port());
  CHECK(deliver_one(*patient, make_entry("p1")).kind == outcome_kind::delivered);
  CHECK(lines_of(place / "ids") == std::vector<std::string>{"p0", "p1"});
}

TEST_CASE("what cannot be published safely is refused") {
  auto what = std::make_shared<script>();
  caf::actor_system_config config;
  caf::actor_system system{actors::networking(config)};
  auto target = actors::spawn_destination_actor(
      system, {"d", std::make_shared<scripted_destination>(what), core::make_null_logger()});
  const auto code_of = [&](const actors::publish_options& how) -> std::optional<core::errc> {
    const auto answer = actors::publish_destination(system, target, how);
    if (answer.ok()) return std::nullopt;
    return answer.reason().code;
  };
  CHECK(code_of({.host = "0.0.0.0"}) == core::errc::bad_config);
  CHECK(code_of({.secret = "one byte short."}) == core::errc::bad_config);
  published other(what);
  CHECK(code_of({.port = other.port()}) == core::errc::io_failed);
  caf::anon_send_exit(target, caf::exit_reason::user_shutdown);
}
