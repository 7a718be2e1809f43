#!/usr/bin/env node
/** The command `brownout`: a thin host over the same service as the window. Exit status 0 done, 2 wrong input, 1 failed. */
import { Command, CommanderError } from 'commander';
import { productVersions } from '../common/versions.js';
import { addBenchCommands } from './cli/bench-commands.js';
import { addCampaignCommands } from './cli/campaign-commands.js';
import { addExploreCommand } from './cli/explore-command.js';
import { addFlashCommand } from './cli/flash-command.js';
import { addModelCommands } from './cli/model-commands.js';
import { addTraceCommand } from './cli/trace-command.js';
import { addSupplyCommands } from './cli/supply-commands.js';
import { reportError } from './cli/terminal.js';

const program = new Command('brownout')
  .description('A bench for deep inference on intermittent, harvested power')
  .version(productVersions()['brownout-bench'])
  .exitOverride()
  .showHelpAfterError('(brownout COMMAND --help shows what it takes)');
addModelCommands(program);
addExploreCommand(program);
addCampaignCommands(program);
addFlashCommand(program);
addSupplyCommands(program);
addBenchCommands(program);
addTraceCommand(program);
for (const command of program.commands) {
  command.exitOverride().showHelpAfterError('(add --help to see what the command takes)');
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its message; anything it refuses is a wrong command.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    reportError(error, process.argv.includes('--json'));
  }
}
