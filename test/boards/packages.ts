import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cached, hashOf } from "./cache";
import { run, runToEnd, type Say, timed } from "./run";

/** Debian's name for a kind of processor. */
export type Architecture = "arm64" | "armhf" | "amd64";

/** Debian packages in the cache: never installed, only unpacked. */
export interface Packages {
  /** File names with versions, sorted: they name the contents. */
  files: string[];
  folder: string;
}

const userland = ["busybox-static", "dropbear-bin"];
const indexTries = 3;

/**
 * Finds or downloads the kernel `kernel`, or the one that it points to as a meta package, and the board's few programs with all that they
 * depend on, from the apt sources of this machine. Versions are those apt gives on the day of the download, and stay until
 * the cache is deleted. Touches nothing of this machine's own apt or dpkg state, and needs no root.
 */
export async function fetchPackages(architecture: Architecture, kernel: string, programs: string[], say: Say): Promise<Packages> {
  const wanted = [...userland, ...programs];
  return fetchFrom([architecture], `packages-${architecture}-${hashOf(kernel, ...wanted)}`, say, (apt, building) =>
    download(apt, architecture, kernel, wanted, building, say),
  );
}

/**
 * Finds or downloads the packages that `choose` names, and nothing that they depend on, to this folder of the cache; `choose` may
 * ask what apt knows of a package. The first architecture is that of a name which says none.
 */
export async function fetchNamed(
  architectures: string[],
  name: string,
  say: Say,
  choose: (show: (name: string) => Promise<string>) => Promise<string[]>,
): Promise<Packages> {
  return fetchFrom(architectures, name, say, async (apt, building) => {
    await updateIndex(apt, say);
    await run("apt-get", [...apt.late, "-q", "download", ...(await choose((wanted) => show(apt, wanted)))], {
      env: apt.env,
      cwd: building,
    });
  });
}

async function fetchFrom(
  architectures: string[],
  name: string,
  say: Say,
  bring: (apt: Apt, building: string) => Promise<void>,
): Promise<Packages> {
  const folder = await cached(name, (building) =>
    timed(say, `${name.replace(/-[^-]*$/, "")} from apt`, async () => {
      const apt = await privateApt(architectures, building);
      try {
        await bring(apt, building);
      } finally {
        await rm(apt.state, { recursive: true, force: true });
      }
    }),
  );
  const files = (await readdir(folder)).filter((file) => file.endsWith(".deb")).sort();
  return { files, folder };
}

interface Apt {
  state: string;
  env: Record<string, string>;
  /** Read after the machine's own configuration, so it wins over hooks found there. */
  late: string[];
}

async function privateApt(architectures: string[], building: string): Promise<Apt> {
  const state = join(building, "apt");
  await mkdir(join(state, "lists", "partial"), { recursive: true });
  await mkdir(join(state, "archives", "partial"), { recursive: true });
  await writeFile(join(state, "status"), "");
  const early = [
    `APT::Architecture "${architectures[0]}";`,
    `APT::Architectures { ${architectures.map((architecture) => `"${architecture}";`).join(" ")} };`,
    `Dir::State "${state}";`,
    `Dir::State::status "${join(state, "status")}";`,
    `Dir::Cache "${state}";`,
    `Dir::Log "${state}";`,
    'APT::Sandbox::User "root";',
    'Acquire::Languages "none";',
  ];
  const late = [
    "#clear APT::Update::Post-Invoke;",
    "#clear APT::Update::Post-Invoke-Success;",
    "#clear APT::Update::Pre-Invoke;",
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";',
    'APT::Update::Error-Mode "any";',
  ];
  await writeFile(join(state, "early.conf"), early.join("\n"));
  await writeFile(join(state, "late.conf"), `${late.join("\n")}\n`);
  return { state, env: { APT_CONFIG: join(state, "early.conf"), LC_ALL: "C" }, late: ["-c", join(state, "late.conf")] };
}

/** A mirror that syncs gives an index that fails its hash, for a minute: asked again, then done without. */
async function updateIndex(apt: Apt, say: Say): Promise<void> {
  for (let attempt = 1; attempt <= indexTries; attempt++) {
    const ended = await runToEnd("apt-get", [...apt.late, "-q", "update"], { env: apt.env });
    if (ended.exitCode === 0) return;
    const errors = ended.stderr.split("\n").filter((line) => /^[EW]:/.test(line));
    say(`package index, try ${attempt} of ${indexTries}: ${errors.join(" ") || `apt-get ended with ${ended.exitCode}`}`);
  }
  say("package index: going on with what there is");
}

/** What apt knows of a package; empty where it knows none. */
async function show(apt: Apt, name: string): Promise<string> {
  return (await runToEnd("apt-cache", [...apt.late, "show", "--no-all-versions", name], { env: apt.env })).stdout;
}

async function download(apt: Apt, architecture: Architecture, kernel: string, programs: string[], folder: string, say: Say): Promise<void> {
  await updateIndex(apt, say);
  const known = await show(apt, kernel);
  const image = /^Depends: (linux-image-[^ ,]+)/m.exec(known)?.[1] ?? kernel;
  if (known === "") {
    throw new Error(
      `apt offers no ${kernel} for ${architecture}: its sources must hold Debian's main, and not be limited to an architecture`,
    );
  }
  say(`downloading ${image} (about 60 MB), ${programs.join(", ")}`);
  const archives = join(apt.state, "archives");
  await run("apt-get", [...apt.late, "-q", "-y", "install", "--download-only", "--no-install-recommends", ...programs], { env: apt.env });
  await run("apt-get", [...apt.late, "-q", "download", image], { env: apt.env, cwd: archives });
  const files = (await readdir(archives)).filter((file) => file.endsWith(".deb"));
  await run("mv", [...files.map((file) => join(archives, file)), folder]);
}

/** Unpacks all packages into one folder, as dpkg would lay them out. */
export async function unpack(packages: Packages, folder: string): Promise<void> {
  for (const file of packages.files) await run("dpkg-deb", ["-x", join(packages.folder, file), folder]);
}
