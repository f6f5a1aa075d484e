// Random histories of programs, resolvers, expectations and whole labs.
import { historyTests } from "../support/histories/tests.ts";
import { labs, programs } from "../support/histories/themes-programs.ts";

historyTests({
  programs: {
    theme: programs,
    runs: 15,
    found: {
      "a bridge whose destroy was cut off before its table went goes without a trace": [
        "cable = slow",
        "up",
        "lab = other",
        "up, plugin at 2",
      ],
      "a folder that was left empty goes with the next operation, whatever stands": [
        "dns = plain",
        "resolver = plain",
        "up",
        "cable = plain",
        "program = other",
        "up, session at 9",
      ],
      "a namespace whose lo was up and is to be down stands as one whose lo never was": [
        "blue = plain",
        "up",
        "blue = quiet",
      ],
    },
  },
  labs: {
    theme: labs,
    runs: 15,
    found: {
      "files that somebody has taken away with their folder leave no note of it": [
        "lab = names",
        "up",
        "lab ~ delete the files",
        "lab = expected",
      ],
      "a destroy that was cut off between a container's hosts file and its folder goes on": [
        "lab = published",
        "up",
        "destroy, script at 7",
      ],
      "a lab whose bridge is missing is told of as missing, and can be changed and destroyed": [
        "lab = one",
        "up",
        "lab ~ delete a bridge",
        "refresh",
        "destroy",
      ],
      "what keeps closed what was closed names no cable of ours that a destroy has left": [
        "lab = names",
        "up",
        "destroy, plugin at 6",
        "up",
      ],
      "a container that has lost all of its routes gets them again": ["lab = one", "up", "lab ~ flush routes", "up"],
    },
  },
});
