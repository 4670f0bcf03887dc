// Which program a file is, by its own word: what a managed service's updates are looked for by.
//
// The word is a claim. It decides what is asked for, never what is believed: a new binary is proven
// by the build service's log, and must say the same besides. Read once, through an open descriptor.
#pragma once

#include <string>

#include "base/result.h"
#include "build/key.h"
#include "module/buildinfo.h"

namespace gw::supervise {

struct BinaryIdentity {
  // Of what runs; empty members where the file does not say.
  build::Key key;
  std::string package;  // the main package's path
  // Why it is never updated by itself; empty: it may be.
  std::string why_manual;
};

BinaryIdentity describe(const mod::BuildInfo& info, bool stripped);
// A file without build information is described, too; errors are the file's.
Result<BinaryIdentity> read_identity(int fd);

// Whether an ELF file has no symbol table; false for what is no ELF file. kIo.
Result<bool> is_stripped(const mod::ByteSource& program);

}  // namespace gw::supervise
