//! After the calls: the server goes on, and whoever likes may call it.

use super::{Stage, Trouble, all_records, report, told};
use crate::print::Output;
use std::time::Duration;
use tokio::time::sleep;

/// How often is looked for new records.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Tells how the server is reached, then of every call that ends; never returns by itself.
pub(super) async fn stay(stage: &Stage, json: bool) -> Result<(), Trouble> {
    let output = Output::new(json);
    if json {
        eprintln!("{}", invitation(stage));
    } else {
        told(output.text(&invitation(stage)))?;
    }
    let Some(store) = stage.running.store() else { return std::future::pending().await };
    let mut last = all_records(&store)?.iter().map(|record| record.id).max().unwrap_or(0);
    loop {
        sleep(LOOK_EVERY).await;
        for record in store.tail(last)? {
            last = last.max(record.id);
            if json {
                told(output.json_line(&record))?;
            } else {
                told(output.text(&report::visitor(&record)))?;
            }
        }
    }
}

fn invitation(stage: &Stage) -> String {
    let (inside, outside) = (stage.ground.inside(), stage.ground.outside());
    let folder = stage.ground.folder.display();
    let program = std::env::current_exe().map_or("tronco".to_owned(), |path| path.display().to_string());
    let socket = format!("--socket {folder}/tronco.sock");
    format!(
        "\nTronco keeps serving until Ctrl-C. Both peers answer every call with a tone of 440 Hz.\n\n  \
         alive?               sipsak -s sip:{inside} -v\n  \
         call the ITSP        sipp -sn uac -s 00441632960555 -i 127.0.0.1 -m 1 -d 2000 {inside}\n  \
         call the IP-PBX      sipp -sn uac -s +493023125555 -i 127.0.0.1 -m 1 -d 2000 {outside}\n  \
         the server           {program} status {socket}\n  \
         live calls           {program} call list {socket}\n  \
         records              {program} cdr tail {socket}\n  \
         its configuration    {folder}/tronco.toml\n\n\
         Calls as they end:\n"
    )
}
