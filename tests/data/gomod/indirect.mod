module a.b/c
require d.e/a v1.0.0 // indirect
require d.e/b v1.0.0 //indirect
require d.e/c v1.0.0 // indirect; more
require d.e/d v1.0.0 // indirect;more
require d.e/e v1.0.0 // indirect more
require d.e/f v1.0.0 // not indirect
require d.e/g v1.0.0 // Indirect
require d.e/h v1.0.0 // indirect 
require d.e/i v1.0.0 // indirect;
require d.e/j v1.0.0 // // indirect
// indirect
require d.e/k v1.0.0
require d.e/l v1.0.0// indirect
