/** The echo with the settings of Node that the vault has. */
import '../../bin/prepare_node.js';
import './echo_server.ts';
