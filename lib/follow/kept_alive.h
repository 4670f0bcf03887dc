// Sources and exchanges whose waiting is no hanging: each call tells a service manager's watchdog
// that the program lives.
#pragma once

#include <memory>

#include "follow/options.h"
#include "os/systemd.h"
#include "tlog/source.h"

namespace gw::follow {

// The heartbeat must outlive what is given back.
std::unique_ptr<tlog::TileSource> kept_alive(std::unique_ptr<tlog::TileSource> source,
                                             os::Heartbeat& heart);
std::unique_ptr<HeadExchange> kept_alive(std::unique_ptr<HeadExchange> exchange,
                                         os::Heartbeat& heart);

}  // namespace gw::follow
