// What the tests of the PostgreSQL destination share: one server, a database for each test, and a
// look into it from outside.
#pragma once

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <libpq-fe.h>

#include "destinations/postgres.hpp"
#include "tests/destinations/sqlite_support.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/postgres_server.hpp"

namespace nexus::test {

inline postgres_server& server() {
  static postgres_server one(postgres_server::authentication::password, "max_connections = 60\n");
  return one;
}

/// A connection of the test's own. Statements that fail throw.
class raw_postgres {
 public:
  explicit raw_postgres(const std::string& dsn) : handle_(PQconnectdb(dsn.c_str())) {
    PQsetNoticeProcessor(
        handle_, [](void*, const char*) {}, nullptr);
    if (PQstatus(handle_) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(handle_));
  }
  ~raw_postgres() { PQfinish(handle_); }
  raw_postgres(const raw_postgres&) = delete;
  raw_postgres& operator=(const raw_postgres&) = delete;

  /// Every row as its columns joined by `|`; NULL as the word.
  std::vector<std::string> rows(const std::string& sql) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> answer(PQexec(handle_, sql.c_str()),
                                                               &PQclear);
    const auto status = PQresultStatus(answer.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      throw std::runtime_error(sql + ": " + PQresultErrorMessage(answer.get()));
    }
    std::vector<std::string> all;
    for (int row = 0; row < PQntuples(answer.get()); ++row) {
      std::string& text = all.emplace_back();
      for (int i = 0; i < PQnfields(answer.get()); ++i) {
        if (i > 0) text += '|';
        const bool null = PQgetisnull(answer.get(), row, i) != 0;
        text += null ? "NULL" : PQgetvalue(answer.get(), row, i);
      }
    }
    return all;
  }
  std::string value(const std::string& sql) {
    auto all = rows(sql);
    return all.empty() ? "no row" : all.front();
  }

 private:
  PGconn* handle_;
};

/// A new database on the server, and a superuser's connection to it.
class fresh_database {
 public:
  fresh_database() : name_("t" + std::to_string(next()++)) {
    raw_postgres(server().dsn()).rows("CREATE DATABASE " + name_);
    connect();
  }
  ~fresh_database() {
    raw_.reset();
    server().start();  // should the test have stopped it
    // After a crash the server syncs all files of all databases.
    raw_postgres(server().dsn()).rows("DROP DATABASE " + name_ + " WITH (FORCE)");
  }
  fresh_database(const fresh_database&) = delete;
  fresh_database& operator=(const fresh_database&) = delete;

  void connect() { raw_ = std::make_unique<raw_postgres>(server().dsn(name_)); }
  raw_postgres* operator->() const { return raw_.get(); }

  destinations::postgres_options options(const std::string& user = postgres_server::superuser,
                                         const std::string& password = postgres_server::password) {
    destinations::postgres_options all;
    all.dsn = server().dsn(name_, user, password);
    return all;
  }
  std::unique_ptr<destinations::destination> store() { return made(options()); }
  static std::unique_ptr<destinations::destination> made(const destinations::postgres_options& of) {
    auto made = destinations::make_postgres(of);
    if (!made) throw std::runtime_error(made.reason().text);
    return *std::move(made);
  }

  /// A user without rights, who is gone with the database's server; its password.
  std::string add_user(const std::string& user) {
    const std::string password = "hush-" + user + "-0815";
    raw_->rows("CREATE ROLE " + user + " LOGIN PASSWORD '" + password + "'");
    return password;
  }

 private:
  static std::atomic<int>& next() {
    static std::atomic<int> number{1};
    return number;
  }

  std::string name_;
  std::unique_ptr<raw_postgres> raw_;
};

inline std::vector<destinations::outcome_kind> kinds(
    const std::vector<destinations::outcome>& outcomes) {
  std::vector<destinations::outcome_kind> all;
  for (const auto& each : outcomes) {
    all.push_back(each.kind);
    // Never a secret, a second line, or an entry's contents.
    CHECK(each.reason.find(postgres_server::password) == std::string::npos);
    CHECK(each.reason.find("0815") == std::string::npos);
    CHECK(each.reason.find('\n') == std::string::npos);
    CHECK(each.reason.find("content of") == std::string::npos);
    CHECK(each.reason.empty() == (each.kind == destinations::outcome_kind::delivered));
  }
  return all;
}

inline std::vector<destinations::outcome_kind> deliver(destinations::destination& to,
                                                       const std::vector<core::entry_ptr>& batch) {
  return kinds(to.deliver(batch));
}

inline std::vector<core::entry_ptr> entries(const std::string& prefix, int count) {
  std::vector<core::entry_ptr> batch;
  for (int i = 0; i < count; ++i) batch.push_back(entry_named(prefix + std::to_string(i)));
  return batch;
}

inline std::vector<destinations::outcome_kind> all_of(destinations::outcome_kind kind, int count) {
  return std::vector<destinations::outcome_kind>(static_cast<std::size_t>(count), kind);
}

/// The reason of a ping that must fail with `code`.
inline std::string ping_reason(destinations::destination& of, core::errc code) {
  const auto answer = of.ping();
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.reason().code == code);
  CHECK(answer.reason().text.find(postgres_server::password) == std::string::npos);
  CHECK(answer.reason().text.find("0815") == std::string::npos);
  CHECK(answer.reason().text.find('\n') == std::string::npos);
  return answer.reason().text;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace nexus::test
