// Everything that there is.

// Deprecated: use example.org/all/v3.
module example.org/all/v2

go 1.24.0

toolchain go1.26.8

godebug (
	default=go1.21
	panicnil=1
)
godebug asynctimerchan=0

require (
	golang.org/x/text v0.3.0 // indirect
	golang.org/x/net v0.0.0-20240101000000-abcdefabcdef // indirect; tests only
	gopkg.in/yaml.v3 v3.0.1
	github.com/A/B v4.5.6+incompatible
)
require golang.org/x/mod v0.30

exclude golang.org/x/net v1.2.3
exclude (
	golang.org/x/text v0.3.1
	golang.org/x/text v0.3.2 // bad
)

replace golang.org/x/net => ../net
replace (
	golang.org/x/text v0.3.0 => example.org/fork v1.0.0-rc.1
	example.org/a => /abs/path
	example.org/b => C:/windows
	example.org/c => .
	example.org/d => ..
)

// Published by mistake.
retract v2.0.1
retract [v2.1.0, v2.1.5] // broken
// All of these.
retract (
	v2.2.0
	[v2.3.0, v2.4.0]
)

tool golang.org/x/tools/cmd/stringer
tool (
	example.org/all/v2/cmd/x
	"example.org/quoted"
)

ignore ./node_modules
ignore (
	static
	third_party/js
)
