//! Metadata as a recorder gets them.

use base::{Rng, WallTime};
use siprec::{Cast, Party, Scene};

const START: WallTime = WallTime(1_700_000_000_000_000);

fn cast(called: &str, flowing: [bool; 2]) -> Cast {
    let party = |aor: &str, name: &str| Party { aor: aor.into(), name: name.into() };
    Cast { parties: [party("sip:100@pbx", "Zoë & <Co>"), party(called, "")], flowing: vec![flowing] }
}

fn ids<'a>(xml: &'a str, tag: &str) -> Vec<&'a str> {
    let wanted = format!("<{tag} {tag}_id=\"");
    xml.split(wanted.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn the_first_document_is_complete_and_escaped() {
    let mut scene = Scene::new(START, &mut Rng::new((1, 2)));
    let xml =
        scene.tell(&cast("tel:+49301", [true, true]), START, &mut Rng::new((3, 4))).expect("all is new");
    assert!(xml.contains("<datamode>complete</datamode>"), "{xml}");
    assert!(xml.contains("<name>Zoë &amp; &lt;Co&gt;</name>"), "{xml}");
    assert!(xml.contains("<nameID aor=\"tel:+49301\"/>"), "{xml}");
    assert!(xml.contains("<start-time>2023-11-14T22:13:20.000Z</start-time>"), "{xml}");
    assert_eq!((ids(&xml, "participant").len(), ids(&xml, "stream").len()), (2, 2));
    assert!(
        scene.tell(&cast("tel:+49301", [true, true]), START, &mut Rng::new((3, 4))).is_none(),
        "nothing is new"
    );
}

#[test]
fn hold_changes_who_sends_and_hears_and_nothing_else() {
    let (mut scene, mut rng) = (Scene::new(START, &mut Rng::new((1, 2))), Rng::new((3, 4)));
    let before = scene.tell(&cast("tel:+1", [true, true]), START, &mut rng).expect("all");
    let xml = scene.tell(&cast("tel:+1", [true, false]), START, &mut rng).expect("a change");
    assert!(xml.contains("<datamode>partial</datamode>") && !xml.contains("<participant "), "{xml}");
    let streams = ids(&before, "stream");
    assert_eq!((xml.matches("<send>").count(), xml.matches("<recv>").count()), (1, 1), "{xml}");
    assert!(xml.contains(&format!("<send>{}</send>", streams[0])), "{xml}");
    assert!(xml.contains(&format!("<recv>{}</recv>", streams[0])), "{xml}");
}

#[test]
fn a_party_that_takes_anothers_place_is_new_and_the_one_before_leaves() {
    let (mut scene, mut rng) = (Scene::new(START, &mut Rng::new((1, 2))), Rng::new((3, 4)));
    let before = scene.tell(&cast("tel:+1", [true, true]), START, &mut rng).expect("all");
    let xml =
        scene.tell(&cast("tel:+2", [true, true]), WallTime(START.0 + 9_000_000), &mut rng).expect("a change");
    let (old, new) = (ids(&before, "participant"), ids(&xml, "participant"));
    assert_eq!(new.len(), 1, "{xml}");
    assert!(!old.contains(&new[0]), "a name of its own");
    assert!(
        xml.contains("aor=\"tel:+2\"") && xml.contains("<disassociate-time>2023-11-14T22:13:29.000Z"),
        "{xml}"
    );
    scene.forget();
    let all = scene.tell(&cast("tel:+2", [true, true]), START, &mut rng).expect("asked for");
    assert!(all.contains("complete") && ids(&all, "participant") == [old[0], new[0]], "{all}");
    assert_eq!(ids(&all, "stream"), ids(&before, "stream"), "the same streams");
    assert_eq!(all.matches("<participantsessionassoc").count(), 3, "also of who has left: {all}");
}

#[test]
fn a_stream_that_comes_later_is_told() {
    let (mut scene, mut rng) = (Scene::new(START, &mut Rng::new((1, 2))), Rng::new((3, 4)));
    let mut more = cast("tel:+1", [true, true]);
    scene.tell(&more, START, &mut rng);
    more.flowing.push([true, false]);
    let xml = scene.tell(&more, START, &mut rng).expect("a change");
    assert!(xml.contains("<label>3</label>") && xml.contains("<label>4</label>"), "{xml}");
}
