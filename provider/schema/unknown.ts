/** The engine's sign for a value that is not known before the update (`@pulumi/pulumi` runtime/rpc). */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
