// A session that somebody keeps alive. Not a public header.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>

namespace nexus::http {

class session;
using session_ptr = boost::intrusive_ptr<session>;

}  // namespace nexus::http
