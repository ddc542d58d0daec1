#include "destinations/nats_subject.hpp"

#include "destinations/jetstream_message.hpp"
#include "tests/support/catch.hpp"

using namespace nexus::destinations;

namespace {

nexus::core::entry entry_with_subject(const std::string& subject) {
  nexus::core::entry entry;
  entry.payload_id = "p1";
  entry.source = "main";
  entry.destination = "events";
  entry.subject = subject;
  entry.actor_type = "user";
  return entry;
}

}  // namespace

TEST_CASE("placeholders of a subject are replaced by the entry's values") {
  CHECK(make_subject("nexus.{source}.{subject}-{actor_type}.{destination}",
                     entry_with_subject("chat")) == "nexus.main.chat-user.events");
  CHECK(make_subject("plain", entry_with_subject("chat")) == "plain");
}

TEST_CASE("a value never changes the number of tokens, nor becomes a wildcard") {
  CHECK(make_subject("n.{subject}", entry_with_subject("a.b")) == "n.a_b");
  CHECK(make_subject("n.{subject}", entry_with_subject("")) == "n._");
  CHECK(make_subject("n.{subject}", entry_with_subject(">")) == "n._");
  CHECK(make_subject("n.{subject}", entry_with_subject("*")) == "n._");
  CHECK(make_subject("n.{subject}", entry_with_subject("a b\tc\r\nd\x7f")) == "n.a_b_c__d_");
  CHECK(make_subject("{subject}.API", entry_with_subject("$JS")) == "_JS.API");
  CHECK(make_subject("n.{subject}", entry_with_subject("{source}")) == "n.{source}");
}

TEST_CASE("a long value is cut, but never within a character of UTF-8") {
  const std::string ascii(subject_value_bytes_max + 10, 'a');
  CHECK(make_subject("{subject}", entry_with_subject(ascii)).size() == subject_value_bytes_max);
  const std::string odd = std::string(subject_value_bytes_max - 1, 'a') + "é";
  CHECK(make_subject("{subject}", entry_with_subject(odd)) ==
        std::string(subject_value_bytes_max - 1, 'a'));
  CHECK(make_subject("{subject}", entry_with_subject("é")) == "é");
}

TEST_CASE("templates that cannot be published to are refused") {
  for (const char* good : {"nexus.{source}", "a", "a.{subject}x{source}.b", "_a.b"}) {
    INFO(good);
    CHECK_FALSE(subject_template_fault(good).has_value());
  }
  for (const char* bad : {"", ".", "a.", ".a", "a..b", "a b", "a.*", "a.>", "$JS.API", "a.{what}",
                          "a.}", "a.{source", "a\n"}) {
    INFO(bad);
    CHECK(subject_template_fault(bad).has_value());
  }
  CHECK(subject_template_fault(std::string(513, 'a')).has_value());
}

TEST_CASE("the wildcard of a template stands for all that it makes") {
  CHECK(template_wildcard("nexus.{source}") == "nexus.*");
  CHECK(template_wildcard("a.b-{source}.{subject}.c") == "a.*.*.c");
  CHECK(template_wildcard("plain") == "plain");
}

TEST_CASE("two subjects overlap where one subject can match both") {
  for (const auto& [a, b] : {std::pair{"a.b", "a.b"},
                             {"a.*", "a.b"},
                             {"a.*", "*.b"},
                             {">", "a.b"},
                             {"a.>", "a.b.c"},
                             {"a.>", "a.*"},
                             {"*.*", "a.>"}}) {
    INFO(a << " and " << b);
    CHECK(subjects_overlap(a, b));
    CHECK(subjects_overlap(b, a));
  }
  for (const auto& [a, b] :
       {std::pair{"a.b", "a.c"}, {"a", "a.b"}, {"a.>", "a"}, {"a.*", "a.b.c"}, {"a.*", "b.>"}}) {
    INFO(a << " and " << b);
    CHECK_FALSE(subjects_overlap(a, b));
    CHECK_FALSE(subjects_overlap(b, a));
  }
}

TEST_CASE("a header's value holds no byte that ends it, and different values stay different") {
  CHECK(header_value("plain text, é") == "plain text, é");
  CHECK(header_value("a\r\nb") == "a%0D%0Ab");
  CHECK(header_value("a%0D%0Ab") == "a%250D%250Ab");
  CHECK(header_value(" a ") == "%20a%20");
  CHECK(header_value(std::string(1, '\0')) == "%00");
}

TEST_CASE("the message id tells two destinations of one payload apart") {
  auto one = entry_with_subject("chat");
  auto other = one;
  other.destination = "audit";
  CHECK(message_id(one) == "events:p1");
  CHECK(message_id(one) != message_id(other));
}
