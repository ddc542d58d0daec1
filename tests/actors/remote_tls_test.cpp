// TLS between a Nexus and a destination in another process, with certificates made by `openssl`.
#include "tests/actors/remote_support.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

void openssl(std::vector<std::string> words) {
  words.insert(words.begin(), "openssl");
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = -1;
  const int failed = ::posix_spawnp(&pid, arguments[0], &files, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  REQUIRE(failed == 0);
  int status = -1;
  ::waitpid(pid, &status, 0);
  REQUIRE(status == 0);
}

/// An authority, and a certificate and key that it has signed.
actors::tls_files make_files(const temp_dir& place, const std::string& name) {
  const auto file = [&](const std::string& suffix) { return place / (name + suffix); };
  const std::string curve = "ec_paramgen_curve:prime256v1";
  openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", curve, "-nodes", "-days", "2", "-subj",
           "/CN=" + name + " authority", "-keyout", file(".ca.key"), "-out", file(".ca.pem")});
  openssl({"req", "-newkey", "ec", "-pkeyopt", curve, "-nodes", "-subj", "/CN=" + name, "-keyout",
           file(".key"), "-out", file(".csr")});
  openssl({"x509", "-req", "-days", "2", "-in", file(".csr"), "-CA", file(".ca.pem"), "-CAkey",
           file(".ca.key"), "-CAcreateserial", "-out", file(".pem")});
  return {file(".ca.pem"), file(".pem"), file(".key")};
}

core::entry_ptr large_entry() {
  auto value = *make_entry("large");
  value.payload = '"' + std::string(10 << 20, 'x') + '"';
  return std::make_shared<const core::entry>(std::move(value));
}

}  // namespace

TEST_CASE("with TLS on both sides entries arrive, large ones as well") {
  temp_dir place;
  const auto files = make_files(place, "ours");
  peer other("0", good_secret, place / "ids", files);
  auto here = connect_to(other.port(), good_secret, 60s, files);
  CHECK(here->ping().ok());
  for (const auto& entry : {make_entry("p0"), large_entry(), make_entry("p1")}) {
    const auto given = deliver_one(*here, entry);
    CHECK(given.reason == "");
    CHECK(given.kind == outcome_kind::delivered);
  }
  CHECK(read_file(place / "ids") == "p0\nlarge\np1\n");
}

TEST_CASE("a certificate of another authority, or none, gets nobody in") {
  temp_dir place;
  const auto files = make_files(place, "ours");
  const auto others = make_files(place, "others");
  peer other("0", good_secret, place / "ids", files);
  const actors::tls_files trusting{files.ca, others.certificate, others.key};
  const actors::tls_files trusted{others.ca, files.certificate, files.key};
  for (const auto& mine : {others, trusting, trusted, actors::tls_files{}}) {
    auto here = connect_to(other.port(), good_secret, 3s, mine);
    CHECK(deliver_one(*here, make_entry("p0")).kind == outcome_kind::unreachable);
  }
  auto here = connect_to(other.port(), good_secret, 60s, files);
  CHECK(deliver_one(*here, make_entry("p1")).kind == outcome_kind::delivered);
  CHECK(read_file(place / "ids") == "p1\n");
}

TEST_CASE("TLS towards a side without it gets nowhere") {
  temp_dir place;
  const auto files = make_files(place, "ours");
  peer other("0", good_secret, place / "ids");
  auto here = connect_to(other.port(), good_secret, 3s, files);
  CHECK(deliver_one(*here, make_entry("p0")).kind == outcome_kind::unreachable);
  CHECK(read_file(place / "ids") == "");
}

TEST_CASE("settings that cannot work are found before anything connects") {
  temp_dir place;
  const auto files = make_files(place, "ours");
  const auto others = make_files(place, "others");
  const auto problems = [](core::setting_values values) {
    return actors::remote_type().schema.check(values);
  };
  const auto with = [](const actors::tls_files& given) {
    return core::setting_values{
        {"ca_file", given.ca}, {"cert_file", given.certificate}, {"key_file", given.key}};
  };
  CHECK(problems(with(files)).empty());
  CHECK(problems({{"secret", good_secret}}).empty());
  CHECK(problems({{"ca_file", files.ca}}).size() == 1);
  CHECK(problems(with({files.ca, files.certificate, others.key})).size() == 1);
  CHECK(problems(with({place / "none", files.certificate, files.key})).size() == 1);
  const auto short_secret = problems({{"secret", "short"}});
  REQUIRE(short_secret.size() == 1);
  CHECK(short_secret[0].name == "secret");
  CHECK(short_secret[0].message.find("short") == std::string::npos);
}
