// Messages: what survives the network, what never gets into a log, and that every append is
// answered.
#include "actors/protocol.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>

#include "actors/destination_actor.hpp"
#include "tests/actors/deterministic.hpp"
#include "tests/actors/log_keeper.hpp"
#include "tests/actors/scripted_destination.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace nexus::actors;
using namespace std::chrono_literals;

namespace {

template <class T>
T over_the_network(caf::actor_system& system, T sent) {
  std::vector<char> bytes;
  caf::binary_serializer out{system, bytes};
  REQUIRE_FALSE(out(sent));
  T received;
  caf::binary_deserializer in{system, bytes};
  REQUIRE_FALSE(in(received));
  return received;
}

}  // namespace

TEST_CASE("deliveries and outcomes survive the network") {
  deterministic in;
  const auto received = over_the_network(in.system, delivery{{make_entry("p0"), make_entry("p1")}});
  REQUIRE(received.entries.size() == 2);
  CHECK(received.entries[1]->payload_id == "p1");
  CHECK(received.entries[1]->payload == make_entry("p1")->payload);

  const auto answer = over_the_network(
      in.system,
      outcome_list{{outcome_kind::transient, "busy", 250ms}, {outcome_kind::delivered, "", {}}});
  REQUIRE(answer.size() == 2);
  CHECK(answer[0].kind == outcome_kind::transient);
  CHECK(answer[0].reason == "busy");
  CHECK(answer[0].retry_after == 250ms);
  CHECK_FALSE(answer[1].retry_after);
}

TEST_CASE("a delivery as text does not show its entries") {
  CHECK(caf::deep_to_string(delivery{{make_entry("secret")}}).find("secret") == std::string::npos);
}

TEST_CASE("a message that nobody expects is dropped with a warning that names only its type") {
  deterministic in;
  auto kept = std::make_shared<log_keeper>();
  auto target = std::make_shared<scripted_destination>(std::make_shared<script>());
  auto actor = in.system.spawn(run_destination_actor, destination_actor_options{"d", target, kept});
  caf::anon_send(caf::actor_cast<caf::actor>(actor), std::string("secret"));
  in.settle();
  CHECK(kept->text().find("unexpected") != std::string::npos);
  CHECK(kept->text().find("secret") == std::string::npos);
  in.self->send_exit(actor, caf::exit_reason::user_shutdown);
  in.settle();
}

TEST_CASE("a destination's error reaches the one who asked") {
  deterministic in;
  auto lost = std::make_shared<script>();
  lost->ping_answer = core::error{core::errc::unreachable, "scripted: not connected"};
  auto target = std::make_shared<scripted_destination>(lost);
  auto actor = in.system.spawn(run_destination_actor,
                               destination_actor_options{"d", target, core::make_null_logger()});
  auto ping = in.self->request(actor, caf::infinite, ping_atom::value);
  auto exists =
      in.self->request(actor, caf::infinite, exists_atom::value, std::vector<std::string>{"p0"});
  in.settle();
  std::vector<core::error> reasons;
  auto keep = [&](const caf::error& reason) { reasons.push_back(from_caf(in.system, reason)); };
  ping.receive([] {}, keep);
  exists.receive([](const std::vector<bool>&) {}, keep);
  REQUIRE(reasons.size() == 2);
  CHECK(reasons[0].code == core::errc::unreachable);
  CHECK(reasons[0].text == "scripted: not connected");
  CHECK(reasons[1].code == core::errc::unsupported);
  in.self->send_exit(actor, caf::exit_reason::user_shutdown);
  in.settle();
}

TEST_CASE("a submission is answered once, and with closed if nobody settles it") {
  std::vector<bool> answers;
  auto keep = [&](const core::result<void>& answer) { answers.push_back(answer.ok()); };
  {
    submission settled({make_entry("p0")}, keep);
    settled.settle({});
    settled.settle(core::error{core::errc::io_failed, ""});
  }
  CHECK(answers == std::vector<bool>{true});
  { submission dropped({make_entry("p1")}, keep); }
  CHECK(answers == std::vector<bool>{true, false});
}
