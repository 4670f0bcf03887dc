module "a.b/\x63"
require "d.e/f" "v1.2.3"
replace "d.e/f" "v1.2.3" => "./with blank"
exclude "g.h/\u0069" "v1.0.0"
retract ["v1.0.0", "v1.0.1"]
