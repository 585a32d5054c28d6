package policy

import "testing"

func TestMayCommand(t *testing.T) {
	p := office()
	const admin, both, ours = "root@else.example", nurse, "x@lan.example.com"
	p.Admins = map[string]bool{admin: true, both: true, ours: true}
	p.Listed["romeo@example.com"] = true
	for what, want := range map[Command]string{
		CommandWho:     "admin both listed admitted",
		CommandFind:    "admin both listed admitted",
		CommandApprove: "admin both listed admitted",
		CommandBlock:   "both listed admitted",
		CommandResolve: "admin both",
		CommandStats:   "admin both",
		"reset":        "",
	} {
		t.Run("GW-20 "+string(what), func(t *testing.T) {
			got := ""
			for _, who := range [][2]string{{"admin", admin}, {"both", both}, {"listed", "romeo@example.com"}, {"admitted", "a@friends.example"},
				{"stranger", "who@else.example"}, {"ours", ours}, {"nobody", ""}, {"resource", admin + "/x"}} {
				if p.MayCommand(who[1], what) {
					got += " " + who[0]
				}
			}
			if got != "" {
				got = got[1:]
			}
			if got != want {
				t.Errorf("%q may, want %q", got, want)
			}
		})
	}
}
