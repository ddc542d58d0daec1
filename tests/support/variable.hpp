// A variable of the environment for the time of a test.
#pragma once

#include <cstdlib>
#include <string>

namespace nexus::test {

/// Sets a variable of the environment until the end of the test.
class variable {
 public:
  variable(const char* name, const char* value) : name_(name) {
    if (const char* old = ::getenv(name)) {
      old_ = old;
      was_set_ = true;
    }
    value == nullptr ? ::unsetenv(name) : ::setenv(name, value, 1);
  }
  ~variable() { was_set_ ? ::setenv(name_, old_.c_str(), 1) : ::unsetenv(name_); }
  variable(const variable&) = delete;
  variable& operator=(const variable&) = delete;

 private:
  const char* name_;
  std::string old_;
  bool was_set_ = false;
};

}  // namespace nexus::test
