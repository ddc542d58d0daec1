#include "http/request_reader.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>
#include <utility>

namespace nexus::http {

namespace beast = boost::beast;
namespace beast_http = beast::http;
using beast::error_code;

namespace {

/// A body of known length gets its memory at once up to this size; a client that only announces a
/// body must not cost more.
constexpr std::uint64_t reserve_max = 256 * 1024;
/// When that much of it has come, it gets the rest in one piece: growing step by step would copy
/// megabytes on the thread that everybody shares.
constexpr std::uint64_t reserve_all_max = 64 * 1024 * 1024;

/// `0 CR LF CR LF`: of a body in chunks so much is to come as long as it is not complete. Beast
/// asserts that it gets no less when it reads that again.
constexpr std::size_t last_chunk_bytes = 5;

bool all_digits(beast::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool has_control(beast::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// Splits origin-form, absolute-form and `*` (RFC 9112 section 3.2) into path and query; false for
/// anything else.
bool split_target(std::string_view target, request& into) {
  std::string_view rest = target;
  if (std::size_t colon = rest.find("://"); colon != rest.npos && rest.front() != '/') {
    std::string_view scheme = rest.substr(0, colon);
    if (!beast::iequals({scheme.data(), scheme.size()}, "http") &&
        !beast::iequals({scheme.data(), scheme.size()}, "https")) {
      return false;
    }
    rest.remove_prefix(colon + 3);
    rest.remove_prefix(std::min(rest.find_first_of("/?"), rest.size()));
    if (rest.empty() || rest.front() == '?') into.path.push_back('/');
  } else if (rest.front() != '/' && rest != "*") {
    return false;
  }
  std::size_t question = rest.find('?');
  into.path += rest.substr(0, question);
  if (question != rest.npos) into.query = rest.substr(question + 1);
  return true;
}

/// Room that is made at once: a list that grows is copied again and again.
constexpr std::size_t usual_headers = 12;

}  // namespace

/// Boost.Beast's HTTP/1.1 grammar, with the checks on top that version 1.81 does not make.
class request_reader::message_parser final : public beast_http::basic_parser<true> {
 public:
  message_parser(request& request, const header_limits& limits)
      : request_(request), limits_(limits) {
    eager(true);
    body_limit(boost::none);  // on_body bounds it: the handler wants the beginning of a body that
                              // is too long
    header_limit(static_cast<std::uint32_t>(
        std::min<std::size_t>(limits.header_bytes_max, std::numeric_limits<std::uint32_t>::max())));
  }

  void set_body_max(std::uint64_t bytes) { body_bytes_max_ = bytes; }
  void discard_body() { discard_ = true; }

  /// What is wrong; empty: the error code says it.
  const std::string& fault() const { return fault_; }
  beast::string_view expect() const { return expect_; }
  bool http_1_0() const { return version_ < 11; }

 private:
  void fail(error_code& ec, const char* fault) {
    fault_ = fault;
    ec = beast_http::error::bad_value;
  }

  void on_request_impl(beast_http::verb, beast::string_view method, beast::string_view target,
                       int version, error_code& ec) override {
    version_ = version;
    request_.headers.reserve(usual_headers);
    request_.method.assign(method.data(), method.size());
    if (!split_target({target.data(), target.size()}, request_))
      fail(ec, "malformed request target");
  }

  void on_response_impl(int, beast::string_view, int, error_code&) override {}

  void on_field_impl(beast_http::field field, beast::string_view name, beast::string_view value,
                     error_code& ec) override {
    if (header_done_) {  // a trailer: nobody wants it, and among the headers it would be a way
                         // around the checks
      if (++trailers_ > limits_.headers_max) fail(ec, "too many trailer fields");
      return;
    }
    if (field == beast_http::field::host) ++hosts_;
    if (field == beast_http::field::content_length) {
      ++content_lengths_;
      if (!all_digits(value)) return fail(ec, "malformed Content-Length");
    }
    if (field == beast_http::field::transfer_encoding) {
      ++transfer_encodings_;
      if (!beast::iequals(value, "chunked"))
        return fail(ec, "Transfer-Encoding other than chunked");
    }
    if (field == beast_http::field::expect) expect_.assign(value.data(), value.size());
    request_.headers.emplace_back(std::string(name), std::string(value));
  }

  void on_header_impl(error_code& ec) override {
    header_done_ = true;
    if (hosts_ > 1 || (hosts_ == 0 && version_ >= 11))
      return fail(ec, "exactly one Host header is needed");
    if (content_lengths_ > 1) return fail(ec, "more than one Content-Length");
    if (transfer_encodings_ == 0) return;
    if (content_lengths_ > 0) return fail(ec, "both Transfer-Encoding and Content-Length");
    if (transfer_encodings_ > 1) return fail(ec, "more than one Transfer-Encoding");
    if (version_ < 11) return fail(ec, "Transfer-Encoding in HTTP/1.0");
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    if (!length || discard_) return;
    body_bytes_expected_ = std::min({*length, body_bytes_max_, reserve_all_max});
    request_.body.reserve(std::min(body_bytes_expected_, reserve_max));
  }

  std::size_t on_body_impl(beast::string_view bytes, error_code& ec) override {
    if (discard_) return bytes.size();
    std::uint64_t room = body_bytes_max_ - request_.body.size();
    std::size_t taken = static_cast<std::size_t>(std::min<std::uint64_t>(room, bytes.size()));
    if (request_.body.capacity() < request_.body.size() + taken)
      request_.body.reserve(std::max(body_bytes_expected_, request_.body.size() + taken));
    request_.body.append(bytes.data(), taken);
    if (taken < bytes.size()) {
      request_.body_truncated = true;
      ec = beast_http::error::body_limit;
    }
    return taken;
  }

  void on_chunk_header_impl(std::uint64_t, beast::string_view extensions, error_code& ec) override {
    extension_bytes_ += extensions.size();
    if (extension_bytes_ > limits_.header_bytes_max) return fail(ec, "chunk extensions too long");
    if (has_control(extensions)) fail(ec, "control character in a chunk extension");
  }

  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes, error_code& ec) override {
    return on_body_impl(bytes, ec);
  }

  void on_finish_impl(error_code&) override {}

  request& request_;
  const header_limits& limits_;
  std::uint64_t body_bytes_max_ = 0;
  std::uint64_t body_bytes_expected_ = 0;  ///< 0: not known
  bool discard_ = false;
  bool header_done_ = false;
  int version_ = 11;
  std::size_t hosts_ = 0;
  std::size_t content_lengths_ = 0;
  std::size_t transfer_encodings_ = 0;
  std::size_t trailers_ = 0;
  std::size_t extension_bytes_ = 0;
  std::string expect_;
  std::string fault_;
};

request_reader::request_reader(const header_limits& limits) : limits_(limits), scanner_(limits) {}
request_reader::~request_reader() = default;

void request_reader::reset() {
  parser_.reset();
  scanner_.reset();
  request_ = {};
  state_ = state::header;
  keep_alive_ = http_1_0_ = expects_continue_ = false;
  content_length_.reset();
}

std::size_t request_reader::feed(std::string_view bytes) {
  if (state_ == state::header) return feed_header(bytes);
  if (state_ == state::body) return feed_body(bytes);
  return 0;
}

std::size_t request_reader::feed_header(std::string_view bytes) {
  switch (scanner_.scan(bytes)) {
    case header_scanner::verdict::incomplete:
      return 0;
    case header_scanner::verdict::complete:
      break;
    case header_scanner::verdict::malformed:
      refuse(400, "bad_request",
             "malformed header: control character, folded line or bare line end");
      return 0;
    case header_scanner::verdict::too_large:
      refuse(431, "headers_too_large",
             "the header is longer than " + std::to_string(limits_.header_bytes_max) + " bytes");
      return 0;
    case header_scanner::verdict::too_many:
      refuse(431, "headers_too_large",
             "more than " + std::to_string(limits_.headers_max) + " header fields");
      return 0;
    case header_scanner::verdict::target_too_long:
      refuse(414, "uri_too_long",
             "the request target is longer than " + std::to_string(limits_.target_bytes_max) +
                 " bytes");
      return 0;
  }
  parser_ = std::make_unique<message_parser>(request_, limits_);
  error_code ec;
  parser_->put(boost::asio::buffer(bytes.data(), scanner_.length()), ec);
  if (!ec && parser_->is_header_done()) {
    finish_header();
  } else {
    refuse(400, "bad_request", parser_->fault().empty() ? ec.message() : parser_->fault());
  }
  return scanner_.length();
}

void request_reader::finish_header() {
  keep_alive_ = parser_->keep_alive();
  http_1_0_ = parser_->http_1_0();
  auto length = parser_->content_length();
  content_length_ = length ? std::optional<std::uint64_t>(*length) : std::nullopt;
  bool expects = !http_1_0_ && !parser_->expect().empty();
  expects_continue_ = expects && beast::iequals(parser_->expect(), "100-continue");
  if (expects && !expects_continue_) {
    refuse(417, "expectation_failed", "only Expect: 100-continue is known");
  } else {
    state_ = state::header_done;
  }
}

std::size_t request_reader::feed_body(std::string_view bytes) {
  const std::size_t bytes_min = parser_->chunked() ? last_chunk_bytes : 1;
  std::size_t taken = 0;
  while (state_ == state::body && bytes.size() - taken >= bytes_min) {
    error_code ec;
    std::size_t step =
        parser_->put(boost::asio::buffer(bytes.data() + taken, bytes.size() - taken), ec);
    taken += step;
    if (request_.body_truncated || (!ec && parser_->is_done())) {
      state_ = state::done;
    } else if (ec && ec != beast_http::error::need_more) {
      refuse(400, "bad_request", parser_->fault().empty() ? ec.message() : parser_->fault());
    } else if (step == 0) {
      break;
    }
  }
  return taken;
}

void request_reader::accept_body(std::uint64_t bytes_max) {
  parser_->set_body_max(bytes_max);
  state_ = parser_->is_done() ? state::done : state::body;
}

void request_reader::skip_body() {
  parser_->discard_body();
  state_ = parser_->is_done() ? state::done : state::body;
}

void request_reader::refuse(int status, std::string_view code, std::string message) {
  state_ = state::refused;
  refusal_ = {status, code, std::move(message)};
}

}  // namespace nexus::http
