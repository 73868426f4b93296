import type { Property } from "./frame";
import { ofPrograms } from "./program";
import { ofCheck, ofOperations } from "./runtime";
import { ofAnsweringBoards } from "./answering-board";
import { ofAnswers, ofLists } from "./answers";
import { ofBoards } from "./boards";
import { ofBoardWords } from "./board-words";
import { ofScript } from "./mutated-request";
import { ofBecome } from "./become";
import { ofConfigFile } from "./config-file";
import { ofDecodedWords } from "./decoded";
import { ofLabFiles } from "./lab-files";
import { ofTime } from "./linear";
import { ofHostKey, ofKnownHosts, ofPaths } from "./known-hosts";
import { ofPlain } from "./plain";
import { ofPrivateKeys } from "./private-keys";
import { ofStates } from "./states";
import { ofInputs } from "./validate";
import { ofRequests, ofWords } from "./wire";

/** Everything that is promised of hostile input, wherever it comes from. */
export const properties: readonly Property[] = [
  ofInputs,
  ofCheck,
  ofOperations,
  ofBoards,
  ofLabFiles,
  ofStates,
  ofWords,
  ofRequests,
  ofPlain,
  ofKnownHosts,
  ofHostKey,
  ofPaths,
  ofPrivateKeys,
  ofConfigFile,
  ofBecome,
  ofAnswers,
  ofLists,
  ofAnsweringBoards,
  ofScript,
  ofBoardWords,
  ofPrograms,
  ofDecodedWords,
  ofTime,
];

/** How many of `cases` are a property's: its share of them, rounded up, so that all together are never fewer. */
export function casesOf({ share }: Property, cases: number): number {
  return Math.ceil((cases * share) / properties.reduce((sum, one) => sum + one.share, 0));
}
