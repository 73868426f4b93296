import { cardAddress } from "./machines";

/** Run on a board after its session's card was rebound: finds it by its address, and gives it address and route as init.sh does. */
export const configureCard =
  `for card in /sys/class/net/*; do read -r address <"$card/address"; [ "$address" = ${cardAddress} ] || continue; ` +
  'name=$(basename "$card"); ip link set "$name" up; ip address add 10.0.2.15/24 dev "$name"; ip route add default via 10.0.2.2; done; true';
