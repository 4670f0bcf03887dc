// System calls that end whoever makes them.
//
// A service manager may have put a seccomp filter over us whose answer to a call that is not on its
// list is the end of the process: systemd's SystemCallFilter= is that by default, and
// @system-service, which many units have, knows neither Landlock nor seccomp(2), as far as it is
// that of Debian 12's systemd. What we would use to confine ourselves or a child is therefore tried
// first, in a child that it may cost. Where there is no filter that is one prctl(2).
//
// Sources: seccomp(2), PR_GET_SECCOMP(2const), systemd.exec(5).
#pragma once

namespace gw::os {

// Any thread; asked once for each. The call is tried with arguments that are all -1: not for calls
// that do something then.
bool call_ends_us(long number);

}  // namespace gw::os
