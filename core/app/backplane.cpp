#include "backplane.hpp"

#include <utility>

#include "redis_url.hpp"

#ifdef CHINWAGD_REDIS
#include "redis_backplane.hpp"
#endif

namespace chinwagd {

backplane_or_problem make_backplane(const std::string& url) {
  if (url.empty()) return {};
  redis_address address;
  const chinwag::status outcome = read_redis_url(url, address);
  if (!outcome) return {{}, outcome};
#ifdef CHINWAGD_REDIS
  return {redis_backplane(std::move(address)), {}};
#else
  return {{},
          {chinwag::error::bad_option_value,
           "backplane: this build has no Redis client: install hiredis (Debian: libhiredis-dev) "
           "and build it again"}};
#endif
}

}  // namespace chinwagd
