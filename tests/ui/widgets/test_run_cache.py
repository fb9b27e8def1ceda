"""Keys of bundles, which are sent to browsers."""

import os

from dlcore import runs
from dlcore.ui.widgets.run_cache import bundle_key


def test_key_of_a_bundle_names_no_folder_and_changes_with_it():
    bundle = runs.references("vit")[0].bundle
    assert bundle is not None
    key = bundle_key(bundle)
    assert key == bundle_key(bundle) and str(bundle.folder) not in key and os.sep not in key
