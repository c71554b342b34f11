// Preload (`node --require`): tfjs-node 4.22 calls helpers of `util` that Node 23 removed; this puts them back.
const util = require('node:util');
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
util.isArray ??= Array.isArray;
