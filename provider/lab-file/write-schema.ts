import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { labJsonSchema } from "./schema";

/** A step of the build: `dist/lab.schema.json`, which editors and `devbind schema` read. */
writeFileSync(join(__dirname, "../lab.schema.json"), `${JSON.stringify(labJsonSchema(), null, 2)}\n`);
