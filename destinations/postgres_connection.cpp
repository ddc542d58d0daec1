#include "destinations/postgres_connection.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include <libpq-fe.h>

#include "destinations/reason.hpp"

namespace nexus::destinations {

namespace {

using std::chrono::milliseconds;

/// Waits until the socket has one of `events`. False if the time is over first.
bool wait_for(int socket, short events, postgres_deadline until) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
    if (left <= milliseconds::zero()) return false;
    pollfd watched{socket, events, 0};
    const auto most = milliseconds(std::numeric_limits<int>::max());
    const int ready = ::poll(&watched, 1, static_cast<int>(std::min(left, most).count()));
    if (ready > 0) return true;
  }
}

std::string_view field_of(const pg_result& answer, int code) {
  const char* text = PQresultErrorField(&answer, code);
  return text == nullptr ? std::string_view{} : text;
}

/// PostgreSQL's own words about a value quote it, but for what extensions report with the class's
/// general code (the dimensions of a vector).
std::string_view words_of(const pg_result& answer, std::string_view code) {
  if (!code.starts_with("22") || code == "22000") return field_of(answer, PG_DIAG_MESSAGE_PRIMARY);
  if (code == "22001") return "a text is too long for its column";
  if (code == "22003") return "a number is out of range";
  if (code == "22007" || code == "22008") return "a time is out of range";
  if (code == "22021" || code == "22P05") return "a character is not in the database's encoding";
  return "a value is none that PostgreSQL can store";
}

core::error bad_dsn(const char* why) {
  return {core::errc::bad_config,
          std::string("dsn is not a connection string of PostgreSQL: ") + why};
}

struct options_freer {
  void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};

/// The settings that the string gives; nothing if libpq cannot read it.
std::optional<std::map<std::string, std::string>> values_of(const std::string& dsn) {
  char* complaint = nullptr;  // not shown: it may quote the password
  const std::unique_ptr<PQconninfoOption, options_freer> options(
      PQconninfoParse(dsn.c_str(), &complaint));
  PQfreemem(complaint);
  if (!options) return std::nullopt;
  std::map<std::string, std::string> values;
  for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) values.emplace(option->keyword, option->val);
  }
  return values;
}

}  // namespace

core::result<postgres_address> parse_address(const std::string& dsn) {
  if (dsn.empty()) return bad_dsn("it is empty");
  if (dsn.find('\0') != std::string::npos) return bad_dsn("it has a NUL character");
  auto values = values_of(dsn);
  if (!values) {
    return bad_dsn("give postgresql://user:password@host:port/database, or key=value pairs");
  }
  auto& value = *values;
  const std::string host = value["host"].empty() ? value["hostaddr"] : value["host"];
  const std::string& port = value["port"];
  // An unescaped @ or / in a URL's password ends it early: its rest is read as a host, a port or a
  // database, which are shown.
  const bool torn = host.find('@') != std::string::npos ||
                    value["dbname"].find('@') != std::string::npos ||
                    port.find_first_not_of("0123456789,") != std::string::npos;
  if (torn) {
    return bad_dsn(
        "its host, port or database is malformed; special characters of a user or a password in a"
        " URL must be percent-encoded (@ as %40, / as %2F)");
  }
  std::string shown = host.empty() ? "the default host" : host;
  if (!port.empty()) shown += ":" + port;
  if (!value["dbname"].empty()) shown += (shown.starts_with('/') ? " " : "/") + value["dbname"];
  return postgres_address{dsn, one_line(std::move(shown))};
}

void postgres_rows::clearer::operator()(pg_result* handle) const noexcept {
  PQclear(handle);
}

std::size_t postgres_rows::size() const noexcept {
  return static_cast<std::size_t>(PQntuples(handle_.get()));
}

std::string_view postgres_rows::text(std::size_t row, int column) const noexcept {
  const int at = static_cast<int>(row);
  const int size = PQgetlength(handle_.get(), at, column);
  return {PQgetvalue(handle_.get(), at, column), static_cast<std::size_t>(size)};
}

bool postgres_rows::null(std::size_t row, int column) const noexcept {
  return PQgetisnull(handle_.get(), static_cast<int>(row), column) != 0;
}

void postgres_connection::finisher::operator()(pg_conn* handle) const noexcept {
  PQfinish(handle);
}

void postgres_connection::close() {
  open_ = false;
  handle_.reset();
}

std::optional<postgres_fault> postgres_connection::open(postgres_deadline until,
                                                        milliseconds statement_timeout) {
  close();
  if (auto refused = connect(until)) {
    close();
    return refused;
  }
  // A statement that waits for a lock would go on waiting after we gave it up, and with each
  // attempt one more would join it.
  const std::string limit = std::to_string(statement_timeout.count());
  const std::array<postgres_parameter, 1> parameters{{{limit}}};
  postgres_rows ignored;
  auto refused = run(ignored,
                     "SELECT CASE WHEN current_setting('synchronous_commit') = 'off'"
                     " THEN set_config('synchronous_commit', 'on', false) END,"
                     " CASE WHEN current_setting('statement_timeout') = '0'"
                     " THEN set_config('statement_timeout', $1, false) END",
                     parameters, "set up the session", until);
  if (refused) close();
  open_ = !refused;
  return refused;
}

std::optional<postgres_fault> postgres_connection::connect(postgres_deadline until) {
  // What follows the connection string wins over it.
  const std::array<const char*, 4> keys{"dbname", "client_encoding", "fallback_application_name",
                                        nullptr};
  const std::array<const char*, 4> values{address_.dsn.c_str(), "UTF8", "nexus", nullptr};
  handle_.reset(PQconnectStartParams(keys.data(), values.data(), 1));
  if (!handle_) return fault(outcome_kind::unreachable, "cannot connect: out of memory");
  PQsetNoticeProcessor(
      handle_.get(), [](void*, const char*) {}, nullptr);
  PQsetErrorVerbosity(handle_.get(), PQERRORS_VERBOSE);  // the only way to the SQLSTATE
  auto state =
      PQstatus(handle_.get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED) {
      const std::string message = PQerrorMessage(handle_.get());
      const bool no_password = PQconnectionNeedsPassword(handle_.get()) != 0;
      return fault(
          no_password ? outcome_kind::config_fault : outcome_of_sqlstate(connect_sqlstate(message)),
          "cannot connect: " + connect_reason(message));
    }
    const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!wait_for(PQsocket(handle_.get()), events, until)) return late("connect");
    state = PQconnectPoll(handle_.get());
  }
  // A blocking connection would wait for a server that reads nothing, even to say goodbye to it.
  if (PQsetnonblocking(handle_.get(), 1) != 0) return lost("connect");
  return std::nullopt;
}

bool postgres_connection::stale() {
  pollfd watched{PQsocket(handle_.get()), POLLIN, 0};
  while (::poll(&watched, 1, 0) > 0) {
    if (PQconsumeInput(handle_.get()) == 0) return true;
    if (PQisBusy(handle_.get()) != 0) return true;  // nothing was asked
  }
  return PQstatus(handle_.get()) != CONNECTION_OK;
}

std::optional<postgres_fault> postgres_connection::run(const std::string& sql,
                                                       std::string_view doing,
                                                       postgres_deadline until) {
  postgres_rows ignored;
  return run(ignored, sql, {}, doing, until);
}

std::optional<postgres_fault> postgres_connection::run(
    postgres_rows& into, const std::string& sql, std::span<const postgres_parameter> parameters,
    std::string_view doing, postgres_deadline until) {
  if (auto failed = send(sql, parameters, doing, until)) return failed;
  return receive(into, doing, until);
}

std::optional<postgres_fault> postgres_connection::send(
    const std::string& sql, std::span<const postgres_parameter> parameters, std::string_view doing,
    postgres_deadline until) {
  std::vector<const char*> values;
  std::vector<int> sizes;
  std::vector<int> formats;
  std::vector<std::string> texts;  // libpq wants the texts, not the binaries, with a NUL behind
  texts.reserve(parameters.size());
  for (const auto& one : parameters) {
    const bool text = !one.binary;
    values.push_back(text ? texts.emplace_back(one.bytes).c_str() : one.bytes.data());
    sizes.push_back(static_cast<int>(one.bytes.size()));
    formats.push_back(text ? 0 : 1);
  }
  if (PQsendQueryParams(handle_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                        values.data(), sizes.data(), formats.data(), 0) == 0) {
    return lost(doing);
  }
  for (;;) {
    const int unsent = PQflush(handle_.get());
    if (unsent == 0) return std::nullopt;
    // The server may be blocked by answers that nobody reads; libpq's manual asks for both.
    if (unsent < 0) return lost(doing);
    if (!wait_for(PQsocket(handle_.get()), POLLIN | POLLOUT, until)) return late(doing);
    if (PQconsumeInput(handle_.get()) == 0) return lost(doing);
  }
}

std::optional<postgres_fault> postgres_connection::receive(postgres_rows& into,
                                                           std::string_view doing,
                                                           postgres_deadline until) {
  std::optional<postgres_fault> failed;
  for (;;) {
    while (PQisBusy(handle_.get()) != 0) {
      if (!wait_for(PQsocket(handle_.get()), POLLIN, until)) return late(doing);
      // What has been read before the connection broke may hold the server's reason: it becomes a
      // result.
      if (PQconsumeInput(handle_.get()) == 0) break;
    }
    pg_result* answer = PQgetResult(handle_.get());
    if (answer == nullptr) break;
    postgres_rows rows(answer);
    const auto status = PQresultStatus(answer);
    const bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (ok) into = std::move(rows);
    if (!ok && !failed) failed = refused(*answer, doing);
  }
  if (PQstatus(handle_.get()) != CONNECTION_OK) {
    auto broken = failed ? *failed : lost(doing);
    close();
    broken.kind = outcome_kind::unreachable;
    return broken;
  }
  return failed;
}

postgres_fault postgres_connection::fault(outcome_kind kind, std::string_view what) const {
  return {kind, "PostgreSQL at " + address_.shown + ": " + one_line(std::string(what))};
}

postgres_fault postgres_connection::lost(std::string_view doing) {
  const std::string message = PQerrorMessage(handle_.get());
  close();
  return fault(outcome_kind::unreachable,
               "cannot " + std::string(doing) + ": " + connect_reason(message));
}

postgres_fault postgres_connection::late(std::string_view doing) {
  close();
  return fault(outcome_kind::unreachable, "cannot " + std::string(doing) + ": no answer in time");
}

/// Never what PostgreSQL says in detail, hint and context: they quote the row.
postgres_fault postgres_connection::refused(const pg_result& answer, std::string_view doing) const {
  const std::string_view code = field_of(answer, PG_DIAG_SQLSTATE);
  std::string text = "cannot " + std::string(doing) + ": ";
  if (code.empty()) {
    text += connect_reason(PQresultErrorMessage(&answer));
    return fault(outcome_kind::unreachable, text);
  }
  text.append(words_of(answer, code)).append(" (SQLSTATE ").append(code);
  for (const auto& [field, name] : {std::pair{PG_DIAG_COLUMN_NAME, "column"},
                                    std::pair{PG_DIAG_CONSTRAINT_NAME, "constraint"}}) {
    const std::string_view value = field_of(answer, field);
    if (!value.empty()) text.append(", ").append(name).append(" ").append(value);
  }
  return fault(outcome_of_sqlstate(code), text + ")");
}

}  // namespace nexus::destinations
